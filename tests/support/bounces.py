"""Bounces and spam reports as mail systems really write them, about a mail with this key."""

KEY = "0b9f3d52-8f0e-5d6c-9a52-2f6f7e1f4a10"
MESSAGE_ID = f"<{KEY}@courses.example>"

RETURNED = f"""\
From: Courses <hello@courses.example>
To: anna@example.org
Subject: Your guide
Message-ID: {MESSAGE_ID}
"""


def report(kind: str, text: str, fields: str, returned: str = RETURNED, **headers: str) -> bytes:
    """multipart/report with its three parts."""
    head = {
        "From": "MAILER-DAEMON@mx.example.org (Mail Delivery System)",
        "To": "hello@courses.example",
        "Subject": "Undelivered Mail Returned to Sender",
        "Date": "Wed, 04 Mar 2026 09:00:00 +0000",
        "Message-ID": "<20260304090000.1@mx.example.org>",
        "Auto-Submitted": "auto-replied",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"{name}: {value}" for name, value in head.items()]
    lines += ["MIME-Version: 1.0"]
    lines += [f'Content-Type: multipart/report; report-type={kind}; boundary="b1"', ""]
    for type_, body in (("text/plain", text), (f"message/{kind}", fields)):
        lines += ["--b1", f"Content-Type: {type_}", "", body]
    if returned:
        lines += ["--b1", "Content-Type: text/rfc822-headers", "", returned]
    return "\r\n".join("\n".join([*lines, "--b1--", ""]).split("\n")).encode()


POSTFIX = report(
    "delivery-status",
    """This is the mail system at host mx.example.org.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients.

<anna@example.org>: host mail.example.org[192.0.2.5] said: 550 5.1.1
    <anna@example.org>: Recipient address rejected: User unknown in virtual mailbox table
    (in reply to RCPT TO command)""",
    """Reporting-MTA: dns; mx.example.org
X-Postfix-Queue-ID: 4F1B2
X-Postfix-Sender: rfc822; hello@courses.example
Arrival-Date: Wed,  4 Mar 2026 09:00:00 +0000 (UTC)

Final-Recipient: rfc822; anna@example.org
Original-Recipient: rfc822;anna@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; mail.example.org
Diagnostic-Code: smtp; 550 5.1.1 <anna@example.org>: Recipient address rejected:
    User unknown in virtual mailbox table""",
)

EXCHANGE = report(
    "delivery-status",
    "Your message to anna@example.org couldn't be delivered.",
    """Reporting-MTA: dns;AM0PR01MB1234.eurprd01.prod.exchangelabs.com
Received-From-MTA: dns;mail.courses.example
Arrival-Date: Wed, 4 Mar 2026 09:00:00 +0000

Final-Recipient: rfc822;anna@example.org
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found""",
    From="Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.org>",
    Subject="Undeliverable: Your guide",
    In_Reply_To=MESSAGE_ID,
    returned="",
)

GMAIL_FULL = report(
    "delivery-status",
    "** Message not delivered **\nThe recipient's inbox is out of storage space.",
    f"""Reporting-MTA: dns; googlemail.com
Arrival-Date: Wed, 04 Mar 2026 01:00:00 -0800 (PST)
X-Original-Message-ID: {MESSAGE_ID}

Final-Recipient: rfc822; anna@gmail.com
Action: failed
Status: 5.2.2
Remote-MTA: dns; gmail-smtp-in.l.google.com. (2a00:1450::1b, the server for the domain gmail.com.)
Diagnostic-Code: smtp; 552-5.2.2 The recipient's inbox is out of storage space.
Last-Attempt-Date: Wed, 04 Mar 2026 01:00:01 -0800 (PST)""",
    From="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
)

SENDMAIL_DELAYED = report(
    "delivery-status",
    "    **********************************************\n    **      THIS IS A WARNING MESSAGE ONLY      **",
    """Reporting-MTA: dns; relay.example.org
Arrival-Date: Wed, 4 Mar 2026 05:00:00 GMT

Final-Recipient: RFC822; anna@example.org
Action: delayed
Status: 4.4.1
Diagnostic-Code: SMTP; 421 mail.example.org busy
Will-Retry-Until: Mon, 9 Mar 2026 05:00:00 GMT""",
    Subject="Warning: could not send message for past 4 hours",
)

EXPIRED = report(
    "delivery-status",
    "Delivery expired.",
    """Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; anna@example.org
Action: failed
Status: 4.4.7
Diagnostic-Code: smtp; 451 4.7.1 Greylisting in action, please come back later""",
)

POLICY = report(
    "delivery-status",
    "Blocked.",
    """Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; anna@example.org
Action: failed
Status: 5.0.0
Diagnostic-Code: smtp; 550 5.7.1 Message rejected due to local policy""",
)

DOMINO = report(
    "delivery-status",
    "Not delivered.",
    """Reporting-MTA: dns;notes.example.org

Final-Recipient: rfc822;anna@example.org
Action: failed
Status: 5.0.0
Diagnostic-Code: X-Notes; User anna not listed in Domino Directory; smtp; 550 no such user""",
)

VERP = report(
    "delivery-status",
    "Unknown.",
    """Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; anna@example.org
Action: failed (unknown user)
Status: 5.1.1 (bad address)""",
    returned="",
    To=f"bounce+{KEY.replace('-', '')}@b.courses.example",
)

DELIVERED = report(
    "delivery-status",
    "Delivered.",
    f"""Original-Envelope-Id: {KEY}
Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; anna@example.org
Action: delivered
Status: 2.0.0""",
    returned="",
)

QMAIL = f"""\
Return-Path: <>
From: MAILER-DAEMON@mx.example.org
To: hello@courses.example
Subject: failure notice
Date: Wed, 04 Mar 2026 09:00:00 +0000

Hi. This is the qmail-send program at mx.example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<anna@example.org>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

{RETURNED}
""".encode()

EXIM = f"""\
From: Mail Delivery System <Mailer-Daemon@mx.example.org>
To: hello@courses.example
Auto-Submitted: auto-replied
X-Failed-Recipients: anna@example.org
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1abc@mx.example.org>
Date: Wed, 04 Mar 2026 09:00:00 +0000

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  anna@example.org
    SMTP error from remote mail server after RCPT TO:<anna@example.org>:
    550 unknown user

------ This is a copy of the message, including all the headers. ------

{RETURNED}
""".encode()

ARF_HOTMAIL = report(
    "feedback-report",
    "This is an email abuse report for an email message received from IP 192.0.2.1",
    """Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <hello@courses.example>
Arrival-Date: Wed, 4 Mar 2026 08:00:00 +0000
Source-IP: 192.0.2.1
Reported-Domain: courses.example""",
    From="staff@hotmail.com",
    Subject="complaint about message from 192.0.2.1",
)

ARF_REDACTED = report(
    "feedback-report",
    "Abuse report.",
    """Feedback-Type: abuse
User-Agent: Yahoo!-Mail-Feedback/2.0
Version: 0.1
Original-Rcpt-To: redacted@yahoo.com""",
    returned=f"From: Courses\nTo: redacted\nMessage-ID: {MESSAGE_ID}\nSubject: redacted\n",
    From="Yahoo! Mail AntiSpam Feedback <feedback@arf.mail.yahoo.com>",
)

ARF_NOT_SPAM = report(
    "feedback-report", "Not spam.", "Feedback-Type: not-spam\nUser-Agent: X/1\nVersion: 1"
)

VACATION = f"""\
Return-Path: <>
From: Anna <anna@example.org>
To: hello@courses.example
Subject: Automatic reply: Your guide
Auto-Submitted: auto-replied
In-Reply-To: {MESSAGE_ID}

I am away until Monday. Call 550 5.1.1 if it burns.
""".encode()

ANSWER = f"""\
From: Anna <anna@example.org>
To: hello@courses.example
Subject: Re: Your guide
In-Reply-To: {MESSAGE_ID}

Thank you! Does the course begin at 5.1.1 or at 550?
""".encode()
