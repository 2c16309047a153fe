"""The command line: `python -m payouts.sandbox --port 8030 --data DIR`."""

import signal
import threading
from pathlib import Path
from types import FrameType

import click

from payouts.sandbox import server
from payouts.sandbox.settings import Settings, Webhook


def webhooks(
    _: click.Context, option: click.Parameter, given: tuple[str, ...]
) -> tuple[Webhook, ...]:
    """Read `URL=SECRET`; the last `=` parts them, since addresses may hold others."""
    found = []
    for text in given:
        url, _sign, secret = text.rpartition("=")
        if not url.startswith(("http://", "https://")) or not secret:
            raise click.BadParameter("write it as URL=SECRET", param=option)
        found.append(Webhook(url, secret))
    return tuple(found)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8030, show_default=True, help="Port to listen on; 0 takes any.")
@click.option("--data", type=Path, required=True, help="Directory that keeps the state.")
@click.option(
    "--platform-webhook", multiple=True, callback=webhooks, help="URL=SECRET for platform events."
)
@click.option(
    "--connect-webhook",
    multiple=True,
    callback=webhooks,
    help="URL=SECRET for events of connected accounts.",
)
@click.option("--public-url", default="", help="How people reach the hosted pages.")
@click.option("--country", default="FR", show_default=True, help="Country of the platform.")
@click.option("--currency", default="eur", show_default=True, help="Its own currency.")
@click.option(
    "--fee-bps", default=150, show_default=True, help="Payment fee in 1/100 of a percent."
)
@click.option("--fee-fixed", default=25, show_default=True, help="Payment fee in minor units.")
@click.option("--instant-settlement", is_flag=True, help="Make funds available at once.")
@click.option(
    "--capture-seconds",
    default=0,
    show_default=True,
    help="How long the balance line of a card payment is missing, as it is at Stripe.",
)
@click.option(
    "--accounts-v2/--no-accounts-v2",
    default=True,
    show_default=True,
    help="Whether the platform has Accounts v2.",
)
def main(host: str, port: int, **given: object) -> None:
    """Serve Doyen's Stripe sandbox. No real money moves."""
    settings = Settings(
        platform_webhooks=given.pop("platform_webhook"),  # type: ignore[arg-type]
        connect_webhooks=given.pop("connect_webhook"),  # type: ignore[arg-type]
        **given,  # type: ignore[arg-type]
    )
    try:
        with server.listening(settings, host, port) as running:
            _stop_on_signals(running)
            click.echo(f"Stripe sandbox on {running.url} (state in {settings.data})")
            running.server.serve_forever()
    except server.InUse as error:
        raise click.ClickException(f"Another sandbox works in {settings.data}.") from error
    except OSError as error:
        raise click.ClickException(f"Cannot listen on {host}:{port}: {error.strerror}") from error


def _stop_on_signals(running: server.Running) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        # serve_forever must not be told to stop from the thread that it runs in
        threading.Thread(target=running.server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


if __name__ == "__main__":
    main()
