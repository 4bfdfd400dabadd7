"""What the account pages say beside their templates, so that every way to the same page says the same."""

EMAIL = "E-mail address"
PASSWORD = "Password"  # noqa: S105
PASSWORD_AGAIN = "Password, again"  # noqa: S105
OLD_PASSWORD = "Old password"  # noqa: S105
NEW_PASSWORD = "New password"  # noqa: S105
NEW_PASSWORD_AGAIN = "New password, again"  # noqa: S105
PASSWORD_LENGTH = 10
# More than anybody types or a password manager makes, and little enough that no rule and no hash takes long over it.
PASSWORD_MAX_LENGTH = 1000
PASSWORD_HELP = (
    f"{PASSWORD_LENGTH} to {PASSWORD_MAX_LENGTH} characters, "
    "not only digits, not a common password, not like your address."
)
PASSWORD_TOO_LONG = f"A password has at most {PASSWORD_MAX_LENGTH} characters."

PASSWORDS_DIFFER = "The two passwords are not the same."
WRONG_LOGIN = "There is no account with this address and this password."
WRONG_PASSWORD = "This is not your password."  # noqa: S105
TOO_MANY_ATTEMPTS = "Too many attempts. Please try again in 15 minutes."
MAIL_NOT_SENT = "The mail could not be sent just now. Please try again in a few minutes."

SIGNED_UP = "Welcome! Your account is ready."
LOGGED_OUT = "You are logged out."
PASSWORD_CHANGED = "Your password is changed, and every other device is logged out."  # noqa: S105
PASSWORD_RESET = "Your password is changed. Log in with the new one."  # noqa: S105
DELETED = "Your account is deleted."
