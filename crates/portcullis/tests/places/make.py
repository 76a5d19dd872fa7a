"""Makes countries.mmdb, a small database of countries over networks kept for documentation.

    pip install mmdb_writer && python make.py
"""

from netaddr import IPSet
from mmdb_writer import MMDBWriter

writer = MMDBWriter(
    ip_version=6,
    ipv4_compatible=True,
    database_type="Portcullis-Test-Country",
    languages=["en"],
    description="Networks for documentation (RFC 5737, RFC 3849), with made-up countries",
)


def country(networks: list[str], code: str) -> None:
    writer.insert_network(IPSet(networks), {"country": {"iso_code": code}})


country(["192.0.2.0/25", "2001:db8:a::/48"], "AT")
country(["198.51.100.0/24", "2001:db8:d::/48"], "DE")
# A place in no country, as some records are, and one that is not written as it must be.
writer.insert_network(IPSet(["203.0.113.0/25"]), {"continent": {"code": "EU"}})
country(["203.0.113.128/25"], "Atlantis")
writer.to_db_file("countries.mmdb")
