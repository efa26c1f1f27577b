-- atlas:txmode none

-- Create index "change_changed_at_id" to table: "changes"
CREATE INDEX CONCURRENTLY "change_changed_at_id" ON "changes" ("changed_at", "id");
-- Create index "change_viewer_id" to table: "changes"
CREATE INDEX CONCURRENTLY "change_viewer_id" ON "changes" ("viewer", "id");
