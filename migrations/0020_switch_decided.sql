-- Whether somebody has decided about the switch "protected" itself. A line that was changed decides nothing about it; who has
-- decided anything before this could be told apart counts as having decided about both.
ALTER TABLE policies ADD COLUMN switch_decided INTEGER NOT NULL DEFAULT 1;
