"""Ad platforms' audiences: one adapter each, all of them ports.AudienceSink."""
