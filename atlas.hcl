// With this file the atlas command works on the migrations that `docket migrate`
// writes, and on the same table of what was applied: see docs/migrations.md.
//
// No environment has a schema source. `atlas migrate diff` does not know the
// views, triggers and exclusion constraints that docket keeps, and would drop
// them; `docket migrate diff` writes the migrations.

variable "url" {
  type        = string
  default     = "postgres://postgres@localhost:5432/docket?sslmode=disable"
  description = "The database, in the environments local and ci."
}

variable "dev" {
  type        = string
  default     = "postgres://postgres@localhost:5432/docket_dev?sslmode=disable"
  description = "An empty database in which atlas may do what it likes."
}

variable "file" {
  type        = string
  default     = "docket.db"
  description = "The database, in the environment sqlite."
}

variable "base" {
  type        = string
  default     = "origin/main"
  description = "The revision whose migrations are not to be linted, in the environment ci."
}

lint {
  destructive {
    error = true
  }
  data_depend {
    error = true
  }
  incompatible {
    error = true
  }
  concurrent_index {
    error = true
  }
}

env "local" {
  url = urlqueryset(var.url, "search_path", "public")
  dev = urlqueryset(var.dev, "search_path", "public")
  migration {
    dir              = "file://migrations/postgres"
    revisions_schema = "public"
  }
  lint {
    latest = 1
  }
}

env "ci" {
  url = urlqueryset(var.url, "search_path", "public")
  dev = urlqueryset(var.dev, "search_path", "public")
  migration {
    dir              = "file://migrations/postgres"
    revisions_schema = "public"
  }
  lint {
    git {
      base = var.base
    }
  }
}

// Whatever the variable says, the server has to prove that it is the one named;
// --url overrides that, for a proxy on the same machine.
env "production" {
  url = urlqueryset(urlqueryset(getenv("DOCKET_DATABASE"), "search_path", "public"), "sslmode", "verify-full")
  migration {
    dir              = "file://migrations/postgres"
    revisions_schema = "public"
    lock_timeout     = "1m"
  }
}

env "sqlite" {
  url = "sqlite://${var.file}?_fk=1"
  dev = "sqlite://dev?mode=memory&_fk=1"
  migration {
    dir = "file://migrations/sqlite"
  }
  lint {
    latest = 1
  }
}
