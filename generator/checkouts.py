"""From the cart to the order and back: checkout, purchase, refund."""

from __future__ import annotations

from random import Random

from generator.carts import Line, Order, Step, priced_step

_SHIPPING_CENTS = {"standard": 490, "express": 1190, "pickup": 0}
_SHIPPING_TIERS = tuple(_SHIPPING_CENTS)
_PAYMENT_TYPES = ("credit_card", "credit_card", "paypal", "paypal", "invoice", "apple_pay", "google_pay")
_COUPONS = ("WELCOME10", "SUMMER5", "FREESHIP")
_REFUND_REASONS = ("damaged", "wrong_size", "not_as_described", "changed_mind", "arrived_late")
_VAT_PERCENT = 19

PAGES = {
    "begin_checkout": ("/checkout/address", "Checkout"),
    "add_shipping_info": ("/checkout/shipping", "Shipping"),
    "add_payment_info": ("/checkout/payment", "Payment"),
    "purchase": ("/checkout/thank-you", "Thank you"),
}


class Checkout:
    """One checkout; what was chosen at one stage is repeated at the next."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._coupon = rng.choice(_COUPONS) if rng.random() < 0.15 else None
        self._shipping_tier: str | None = None
        self._payment_type: str | None = None

    def step(self, name: str, cart: list[Line], cart_id: str) -> Step:
        """The stage `name`: begin_checkout, add_shipping_info, add_payment_info or purchase."""
        if name == "add_shipping_info":
            self._shipping_tier = self._rng.choice(_SHIPPING_TIERS)
        elif name == "add_payment_info":
            self._payment_type = self._rng.choice(_PAYMENT_TYPES)
        step = priced_step(name, list(cart), cart_id=cart_id)
        chosen = {
            "coupon": self._coupon,
            "shipping_tier": self._shipping_tier,
            "payment_type": self._payment_type,
        }
        step.ecommerce.update({field: value for field, value in chosen.items() if value})
        if self._shipping_tier:
            step.money["shipping"] = _SHIPPING_CENTS[self._shipping_tier]
        return step

    def purchase(self, cart: list[Line], cart_id: str) -> tuple[Step, Order]:
        """The order is placed. Value leaves out shipping and includes the tax."""
        step = self.step("purchase", cart, cart_id)
        order = Order(f"T-{self._rng.getrandbits(44):011X}", step.lines)
        step.ecommerce["transaction_id"] = order.transaction_id
        step.money["tax"] = step.money["value"] * _VAT_PERCENT // (100 + _VAT_PERCENT)
        discount = sum(line.discount_cents * line.quantity for line in step.lines)
        if discount:
            step.money["discount"] = discount
        return step, order


def refund(order: Order, rng: Random) -> Step:
    """The whole order comes back, or one of its lines."""
    whole = len(order.lines) == 1 or rng.random() < 0.5
    lines = order.lines if whole else [rng.choice(order.lines)]
    return priced_step("refund", lines, transaction_id=order.transaction_id, refund_reason=rng.choice(_REFUND_REASONS))
