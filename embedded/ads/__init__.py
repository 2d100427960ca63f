"""Local stand-ins for the ad platforms: as strict as the real ones, and nothing leaves this machine."""
