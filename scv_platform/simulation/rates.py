"""How the simulated people behave: every number of the simulation that is a matter of taste."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Country = Literal["DE", "AT", "FR", "NL", "ES"]
Share = Annotated[float, Field(ge=0, le=1)]


class Rates(BaseModel):
    """Shares are of the people, orders or lines that the name says; money is in cents."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    history_days: int = Field(default=730, ge=30, description="Days before the last one in which people first appear.")
    countries: dict[Country, float] = Field(
        default={"DE": 0.55, "AT": 0.15, "FR": 0.12, "NL": 0.10, "ES": 0.08}, description="Share of people by country."
    )
    account_share: Share = Field(default=0.75, description="People with an account in the web shop.")
    second_account_share: Share = Field(default=0.05, description="Account holders who registered again, same e-mail.")
    newsletter_share: Share = Field(default=0.40, description="People who subscribed to the newsletter.")
    other_email_share: Share = Field(default=0.20, description="Subscribers who used an e-mail the shop does not know.")
    capitals_share: Share = Field(default=0.25, description="Subscribers who wrote their e-mail in capitals.")
    unsubscribed_share: Share = Field(default=0.15, description="Subscribers who left again.")

    buyer_share: Share = Field(default=0.90, description="People who ever buy.")
    orders_per_year: float = Field(
        default=5.0, gt=0, description="Mean rate of repeat orders while a person is active."
    )
    orders_shape: float = Field(
        default=0.9, gt=0, description="Shape of that rate's gamma: the lower, the more unequal."
    )
    active_days: float = Field(default=420.0, gt=0, description="Mean days until a person drops out for good.")
    season: tuple[float, ...] = Field(
        default=(0.7, 0.7, 0.8, 0.9, 1.0, 1.0, 0.9, 0.8, 0.8, 0.9, 1.4, 1.6),
        min_length=12,
        max_length=12,
        description="Weight of a repeat order by month, January first.",
    )
    store_goer_share: Share = Field(default=0.25, description="People who also buy in the store.")
    store_order_share: Share = Field(default=0.60, description="Their orders that are store receipts.")
    receipt_email_share: Share = Field(
        default=0.50, description="Store receipts sent to an e-mail; the others are anonymous."
    )
    not_logged_in_share: Share = Field(default=0.08, description="Web orders of account holders placed as a guest.")

    extra_lines: float = Field(default=1.3, ge=0, description="Mean number of lines of an order beyond the first.")
    favourite_share: Share = Field(default=0.60, description="Lines from the person's favourite category.")
    several_share: Share = Field(default=0.20, description="Lines of two or three pieces.")
    voucher_share: Share = Field(default=0.15, description="Web orders with a voucher.")
    voucher_percent: int = Field(default=10, ge=1, le=100, description="What a voucher takes off each line.")
    shipping_cents: int = Field(default=490, ge=0, description="Shipping of a web order.")
    free_shipping_cents: int = Field(default=6000, ge=0, description="Goods value from which shipping is free.")
    tax_percent: int = Field(default=19, ge=0, description="Tax on goods and shipping.")
    bag_share: Share = Field(default=0.30, description="Store receipts with a carrier bag, which is not goods.")

    cancelled_share: Share = Field(default=0.02, description="Web orders that were cancelled.")
    returned_share: Share = Field(default=0.07, description="Lines that come back.")
    goodwill_share: Share = Field(default=0.015, description="Web orders without a return that get some money back.")
    goodwill_percent: int = Field(default=10, ge=1, le=100, description="How much of the goods value they get back.")

    consents: dict[str, Share] = Field(
        default={"email_marketing": 0.65, "sms_marketing": 0.20}, description="Account holders who agree, by purpose."
    )
    withdrawn_share: Share = Field(default=0.12, description="Agreements that are withdrawn later.")
