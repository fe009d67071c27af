"""Pure transforms: DataFrame → DataFrame. No session, path, clock, environment or client in here."""
