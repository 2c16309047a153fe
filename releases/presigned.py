"""Addresses of single objects in S3 that open by themselves for a short time. Pure.

AWS's Signature Version 4 in the query, which every S3 understands. The secret key is in no address,
and an address opens the one object that it names, for reading.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Signer:
    """Whose key signs, and where readers reach the objects."""

    access_key: str
    secret_key: str
    region: str
    # Where S3 is, with scheme; without one it is AWS's own.
    endpoint: str = ""
    session_token: str = ""
    by_host: bool = False

    def address(
        self, bucket: str, key: str, *, seconds: int, at: datetime, said: Mapping[str, str]
    ) -> str:
        """Return an address for reading an object; `said` is what its answer says of itself."""
        base, path = self._place(bucket, key)
        day, moment = f"{at:%Y%m%d}", f"{at:%Y%m%dT%H%M%SZ}"
        scope = f"{day}/{self.region}/s3/aws4_request"
        asked = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{self.access_key}/{scope}",
            "X-Amz-Date": moment,
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": "host",
            **({"X-Amz-Security-Token": self.session_token} if self.session_token else {}),
            **said,
        }
        query = urlencode(sorted(asked.items()), quote_via=quote, safe="")
        host = urlsplit(base).netloc
        canonical = f"GET\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        signature = hmac.new(
            self._key(day), f"{ALGORITHM}\n{moment}\n{scope}\n{hashed}".encode(), hashlib.sha256
        ).hexdigest()
        return f"{base}{path}?{query}&X-Amz-Signature={signature}"

    def _place(self, bucket: str, key: str) -> tuple[str, str]:
        """Return the origin and the path of an object, by the name of the host or below it."""
        path = "/" + quote(key, safe="/-_.~")
        if not self.endpoint:
            if "." in bucket:  # no certificate is good for such a host
                return f"https://s3.{self.region}.amazonaws.com", f"/{bucket}{path}"
            return f"https://{bucket}.s3.{self.region}.amazonaws.com", path
        parts = urlsplit(self.endpoint)
        if self.by_host:
            return f"{parts.scheme}://{bucket}.{parts.netloc}", path
        return f"{parts.scheme}://{parts.netloc}", f"{parts.path.rstrip('/')}/{bucket}{path}"

    def _key(self, day: str) -> bytes:
        made = f"AWS4{self.secret_key}".encode()
        for part in (day, self.region, "s3", "aws4_request"):
            made = hmac.new(made, part.encode(), hashlib.sha256).digest()
        return made


def signer(options: Mapping[str, Any], readers_at: str) -> Signer | None:
    """Return who signs by the options of Arrow's S3, or None where no key is given to sign by.

    Keys that AWS hands to a machine are known to Arrow alone: there, files go through us.
    """
    if not (options.get("access_key") and options.get("secret_key")):
        return None
    own = str(options.get("endpoint_override", ""))
    if own and "://" not in own:
        own = f"{options.get('scheme', 'https')}://{own}"
    region = str(options.get("region", "")) or ("us-east-1" if own else "")
    if not region:
        return None
    return Signer(
        str(options["access_key"]),
        str(options["secret_key"]),
        region,
        readers_at or own,
        str(options.get("session_token") or ""),
        bool(options.get("force_virtual_addressing", False)),
    )
