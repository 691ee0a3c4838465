"""How the company, its people and its systems behave: every number of the simulation that is a matter of taste."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Country = Literal["DE", "GB", "US", "FR"]
Share = Annotated[float, Field(ge=0, le=1)]
Chance = Annotated[float, Field(ge=0, le=0.9)]


class Rates(BaseModel):
    """Shares are of the people, records, orders or lines that the name says; money is in cents of the base currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    history_days: int = Field(
        default=730, ge=120, description="Days before the company's start in which people appear."
    )
    future_days: int = Field(
        default=120, ge=0, description="Days after the company's start up to which it can be continued."
    )
    countries: dict[Country, float] = Field(
        default={"DE": 0.55, "GB": 0.15, "US": 0.15, "FR": 0.15}, description="Share of people by country."
    )

    # How each system damages what it knows of a person.
    duplicate_share: Share = Field(default=0.05, description="People of a system who have a second record in it.")
    missing_email_share: Share = Field(default=0.10, description="Records without an e-mail.")
    missing_phone_share: Share = Field(default=0.20, description="Records without a phone.")
    missing_birth_date_share: Share = Field(default=0.30, description="Records without a birth date, where one fits.")
    name_variant_share: Share = Field(default=0.08, description="Records with a typo or a nickname in the name.")
    email_typo_share: Share = Field(default=0.01, description="Records with a typo in the e-mail.")
    placeholder_share: Share = Field(default=0.01, description="Records with a made-up e-mail, and as many phones.")
    other_case_share: Share = Field(default=0.06, description="Records with the e-mail or the name in other case.")
    lost_zero_share: Share = Field(default=0.10, description="CRM phones that a spreadsheet took the zero from.")

    # What happens to people.
    family_email_share: Chance = Field(default=0.02, description="People who use the e-mail of their family.")
    family_phone_share: Chance = Field(default=0.03, description="People who use the phone of their family.")
    changed_email_share: Chance = Field(default=0.05, description="People who change their e-mail at some time.")
    changed_phone_share: Chance = Field(default=0.08, description="People who change their phone at some time.")
    married_share: Chance = Field(default=0.01, description="People who take another name at some time.")
    moved_share: Chance = Field(default=0.08, description="People who move at some time.")
    follows_share: Share = Field(default=0.5, description="Records that are updated after such a change.")
    role_mailbox_share: Chance = Field(default=0.005, description="People who use a role mailbox such as info@.")
    namesake_share: Chance = Field(default=0.003, description="People who bear the name of a parent, and share a mail.")
    twin_share: Chance = Field(default=0.003, description="People with a twin of the same initial and e-mail.")
    recycled_phone_share: Chance = Field(default=0.003, description="People who got the old phone of a stranger.")
    shared_device_share: Chance = Field(default=0.03, description="Devices that two users share.")

    # Who is in which system.
    buyer_share: Share = Field(default=0.75, description="People who ever buy in the shop.")
    guest_only_share: Share = Field(default=0.11, description="Buyers who never made an account.")
    guest_order_share: Share = Field(default=0.045, description="Orders of account holders placed as a guest.")
    app_share: Share = Field(default=0.55, description="People who use the application.")
    web_share: Share = Field(default=0.50, description="People whose browsing is tracked.")
    stripe_share: Share = Field(default=0.77, description="Buyers whom the payment provider keeps as a customer.")
    support_share: Share = Field(default=0.25, description="People who wrote to support.")
    crm_share: Share = Field(default=0.30, description="People whom sales knows, business people included.")
    business_share: Share = Field(default=0.08, description="People at a company that sales deals with.")
    lead_share: Share = Field(default=0.30, description="People of the CRM who are leads and no contacts.")
    lead_contact_share: Share = Field(default=0.10, description="Contacts who were leads.")
    seller_share: Share = Field(default=0.02, description="Users of the application who sell on the marketplace.")
    subscriber_share: Share = Field(default=0.06, description="People with a subscription.")

    # Cross references that systems hold.
    stripe_shop_share: Share = Field(default=0.60, description="Payment customers that name the shop customer.")
    stripe_user_share: Share = Field(default=0.10, description="Payment customers that name the user.")
    zendesk_user_share: Share = Field(default=0.50, description="Support users that name the user.")
    app_shop_share: Share = Field(default=0.50, description="Users who linked their shop account.")
    crm_shop_share: Share = Field(default=0.25, description="Contacts that name the shop customer.")

    # Buying: MBG/NBD, thinned by season.
    orders_per_year: float = Field(default=5.0, gt=0, description="Mean rate of orders while a person is active.")
    orders_shape: float = Field(
        default=0.8, gt=0, description="Shape of that rate's gamma: the lower, the more unequal."
    )
    dropout_alpha: float = Field(default=0.9, gt=0, description="First shape of the beta of dropping out at an order.")
    dropout_beta: float = Field(default=5.5, gt=0, description="Second shape of that beta.")
    season: tuple[float, ...] = Field(
        default=(0.7, 0.7, 0.8, 0.9, 1.0, 1.0, 0.9, 0.8, 0.8, 0.9, 1.4, 1.6),
        min_length=12,
        max_length=12,
        description="Weight of an order by month, January first.",
    )
    extra_lines: float = Field(default=1.1, ge=0, description="Mean number of lines of an order beyond the first.")
    favourite_share: Share = Field(default=0.60, description="Lines from the person's favourite category.")
    several_share: Share = Field(default=0.15, description="Lines of two or three pieces.")
    voucher_share: Share = Field(default=0.15, description="Orders with a voucher.")
    voucher_percent: int = Field(default=10, ge=1, le=100, description="What a voucher takes off each line.")
    shipping_cents: int = Field(default=490, ge=0, description="Shipping of an order.")
    free_shipping_cents: int = Field(default=6000, ge=0, description="Goods value from which shipping is free.")
    marketplace_share: Share = Field(default=0.12, description="Orders whose goods a seller of the marketplace sends.")
    counter_share: Share = Field(default=0.08, description="Orders at the counter of the showroom, paid in cash.")
    test_share: Share = Field(default=0.004, description="Test orders.")
    cancelled_share: Share = Field(default=0.02, description="Orders that were cancelled before they were sent.")
    returned_share: Share = Field(default=0.07, description="Orders of which goods come back.")
    lost_share: Share = Field(default=0.008, description="Orders that were lost and paid back in full.")
    goodwill_share: Share = Field(default=0.012, description="Orders of which some money is given back.")
    goodwill_percent: int = Field(default=10, ge=1, le=100, description="How much of the goods value that is.")
    shipping_refund_share: Share = Field(default=0.008, description="Orders of which shipping is given back.")
    failed_payment_share: Share = Field(default=0.04, description="Payments whose first attempt failed.")
    ticket_sale_share: Share = Field(default=0.01, description="Payment customers who bought at a workshop, no order.")

    # Deals.
    deals_per_company: float = Field(default=1.6, ge=0, description="Mean number of deals of a company.")
    won_share: Share = Field(default=0.45, description="Closed deals that were won.")
    invoiced_share: Share = Field(default=0.60, description="Won deals that the payment provider invoices.")

    # Web and mail.
    sessions_per_person: float = Field(default=7.0, ge=0, description="Mean visits of a tracked person.")
    mails_per_year: float = Field(default=7.0, ge=0, description="Mean marketing mails to a user who agreed.")
    open_share: Share = Field(default=0.35, description="Mails that are opened.")
    click_share: Share = Field(default=0.25, description="Opened mails that are clicked.")
    unsubscribe_share: Share = Field(default=0.01, description="Opened mails that end the subscription.")
    late_share: Share = Field(default=0.005, description="Events that are received one to three days late.")

    # Support.
    happy_share: Share = Field(default=0.25, description="Tickets written in a happy mood.")
    angry_share: Share = Field(default=0.30, description="Tickets written in an angry mood.")
    own_language_share: Share = Field(default=0.60, description="Tickets in the person's own language, not in English.")

    # Consent.
    email_consent_share: Share = Field(default=0.65, description="Shop customers who agree to e-mail.")
    sms_consent_share: Share = Field(default=0.20, description="Shop customers who agree to text messages.")
    withdrawn_share: Share = Field(default=0.12, description="Agreements that are withdrawn later.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.countries or min(self.countries.values()) < 0 or sum(self.countries.values()) <= 0:
            raise ValueError("countries must have shares of 0 or more, and one above 0")
        if min(self.season) < 0 or max(self.season) <= 0:
            raise ValueError("season must have weights of 0 or more, and one above 0")
        if self.happy_share + self.angry_share > 1:
            raise ValueError("happy_share and angry_share are together more than 1")
        if self.marketplace_share + self.counter_share > 1:
            raise ValueError("marketplace_share and counter_share are together more than 1")
        if self.cancelled_share + self.returned_share + self.lost_share + self.goodwill_share > 1:
            raise ValueError("cancelled, returned, lost and goodwill shares are together more than 1")
        return self
