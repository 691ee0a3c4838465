"""Names of events: the Segment Spec and what `master.events` adds to it, the same for every system.

A rule may name any event, for companies have events of their own. A name that differs from a known one by a slip of
the pen would quietly select no one, so it is refused.
Source: Segment Spec, https://segment.com/docs/connections/spec/ (semantic events).
"""

import re

KNOWN_NAMES = frozenset(
    name.strip()
    for name in """
    Page Viewed | Screen Viewed | Return Received | Ticket Created | Ticket Solved | Campaign Responded
    Subscription Started | Subscription Cancelled | Lead Created | Lead Converted
    Opportunity Created | Opportunity Won | Opportunity Lost
    Products Searched | Product List Viewed | Product List Filtered | Promotion Viewed | Promotion Clicked
    Product Clicked | Product Viewed | Product Added | Product Removed | Cart Viewed | Checkout Started
    Checkout Step Viewed | Checkout Step Completed | Payment Info Entered | Order Completed | Order Updated
    Order Refunded | Order Cancelled | Coupon Entered | Coupon Applied | Coupon Denied | Coupon Removed
    Product Added to Wishlist | Product Removed from Wishlist | Wishlist Product Added to Cart | Product Shared
    Cart Shared | Product Reviewed
    Email Bounced | Email Delivered | Email Link Clicked | Email Marked as Spam | Email Opened | Unsubscribed
    Account Created | Account Deleted | Signed Up | Signed In | Signed Out | Invite Sent | Account Added User
    Account Removed User | Trial Started | Trial Ended
    Application Installed | Application Opened | Application Backgrounded | Application Updated
    Application Uninstalled | Application Crashed | Install Attributed | Deep Link Opened | Deep Link Clicked
    Push Notification Received | Push Notification Tapped | Push Notification Bounced
    Live Chat Conversation Started | Live Chat Conversation Ended | Live Chat Message Sent | Live Chat Message Received
    """.replace("\n", "|").split("|")
    if name.strip()
)


def meant_name(name: str) -> str | None:
    """The known name that a name is but for one slip; null for a known name, and for one of the company's own."""
    if name in KNOWN_NAMES:
        return None
    return next((known for known in sorted(KNOWN_NAMES) if _is_one_slip(_letters(name), _letters(known))), None)


def _letters(name: str) -> str:
    """The name without what people write differently: case, spaces, underscores and dashes."""
    return re.sub(r"[\W_]+", "", name).casefold()


def _is_one_slip(one: str, other: str) -> bool:
    """Whether the texts are equal but for at most one letter left out, added, mistaken, or swapped with the next."""
    start = _common_start(one, other)
    end = _common_start(one[start:][::-1], other[start:][::-1])
    first, second = one[start : len(one) - end], other[start : len(other) - end]
    return max(len(first), len(second)) <= 1 or (len(first) == 2 and first == second[::-1])


def _common_start(one: str, other: str) -> int:
    """How many letters two texts begin with in common."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
