"""Sends mail through the server of EMAIL_URL, or writes it to the log where there is none."""

import logging
import smtplib
import ssl
from email.message import EmailMessage

from config import settings

logger = logging.getLogger(__name__)


def send(message: EmailMessage) -> None:
    """Hand ``message`` over; raises ``OSError`` or ``smtplib.SMTPException`` where the server does not take it."""
    if (server := settings.MAIL_SERVER) is None:
        logger.info(f"Mail to {message['To']}: {message['Subject']}\n{message.get_content()}")
        return
    tls = ssl.create_default_context()
    if server["use_ssl"]:
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            server["host"], server["port"], timeout=server["timeout"], context=tls
        )
    else:
        connection = smtplib.SMTP(server["host"], server["port"], timeout=server["timeout"])
    with connection:
        if server["use_tls"]:
            connection.starttls(context=tls)
        if server["username"]:
            connection.login(server["username"], server["password"])
        connection.send_message(message)
