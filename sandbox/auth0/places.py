"""Places that people log in from, and the devices they use."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A city with what an IP address tells of it. The addresses are those set aside for documentation."""

    city: str
    country: str
    country3: str
    country_name: str
    continent: str
    latitude: float
    longitude: float
    zone: str
    region: str
    region_name: str
    ip: str
    asn: str

    def geoip(self) -> dict[str, Any]:
        """Give the part of an event that says where the request came from."""
        return {
            "cityName": self.city,
            "continentCode": self.continent,
            "countryCode": self.country,
            "countryCode3": self.country3,
            "countryName": self.country_name,
            "latitude": self.latitude,
            "longitude": self.longitude,
            "subdivisionCode": self.region,
            "subdivisionName": self.region_name,
            "timeZone": self.zone,
        }


def place(row: str) -> Place:
    """Read one row of the table below."""
    city, country, country3, name, continent, latitude, longitude, zone, region, region_name, ip, asn = row.split(";")
    return Place(
        city=city,
        country=country,
        country3=country3,
        country_name=name,
        continent=continent,
        latitude=float(latitude),
        longitude=float(longitude),
        zone=zone,
        region=region,
        region_name=region_name,
        ip=ip,
        asn=asn,
    )


PLACES = {
    one.city: one
    for one in map(
        place,
        (
            "Berlin;DE;DEU;Germany;EU;52.5196;13.4069;Europe/Berlin;BE;Land Berlin;203.0.113.17;64496",
            "Lagos;NG;NGA;Nigeria;AF;6.4474;3.3903;Africa/Lagos;LA;Lagos;198.51.100.23;64501",
            "London;GB;GBR;United Kingdom;EU;51.5085;-0.1257;Europe/London;ENG;England;203.0.113.88;64497",
            "New York;US;USA;United States;NA;40.7143;-74.006;America/New_York;NY;New York;192.0.2.44;64498",
            "Paris;FR;FRA;France;EU;48.8534;2.3488;Europe/Paris;IDF;Île-de-France;203.0.113.140;64499",
            "São Paulo;BR;BRA;Brazil;SA;-23.5475;-46.6361;America/Sao_Paulo;SP;São Paulo;198.51.100.71;64502",
            "Singapore;SG;SGP;Singapore;AS;1.2897;103.8501;Asia/Singapore;01;Central Singapore;198.51.100.119;64503",
            "Sydney;AU;AUS;Australia;OC;-33.8679;151.2073;Australia/Sydney;NSW;New South Wales;192.0.2.201;64504",
            "Tokyo;JP;JPN;Japan;AS;35.6895;139.6917;Asia/Tokyo;13;Tokyo;192.0.2.150;64505",
        ),
    )
}
HOME = PLACES["Berlin"]
FAR_AWAY = PLACES["Sydney"]
DENIED_IP = "198.51.100.66"

USUAL_DEVICE = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)
OTHER_DEVICE = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"
