-- The machine of the same cluster through which this one is reached; empty where the console reaches it itself.
ALTER TABLE nodes ADD COLUMN via TEXT REFERENCES nodes (id);
