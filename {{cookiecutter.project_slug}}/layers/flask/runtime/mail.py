"""Mail, by the server that the settings name."""

import logging
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from flask import current_app

logger = logging.getLogger(__name__)


def send_mail(recipient: str, subject: str, text: str) -> None:
    """Hand a mail to the server of EMAIL_URL, or write it to the log where there is none.

    Raises ``OSError`` where the server does not answer or does not take it.
    """
    if (server := current_app.config["MAIL_SERVER"]) is None:
        logger.info(f"Mail to {recipient}: {subject}", extra={"body": text})
        return
    message = EmailMessage()
    message["Date"] = formatdate()
    message["From"] = current_app.config["MAIL_SENDER"]
    message["Message-ID"] = make_msgid()
    message["Subject"] = subject
    message["To"] = recipient
    message.set_content(text)
    tls = ssl.create_default_context()
    address = server["host"], server["port"]
    with (
        smtplib.SMTP_SSL(*address, timeout=server["timeout"], context=tls)
        if server["use_ssl"]
        else smtplib.SMTP(*address, timeout=server["timeout"])
    ) as connection:
        if server["use_tls"]:
            connection.starttls(context=tls)
        if server["username"]:
            connection.login(server["username"], server["password"])
        connection.send_message(message)
