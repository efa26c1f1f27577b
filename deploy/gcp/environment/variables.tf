variable "project" {
  description = "The project's id. Staging and production are best apart."
  type        = string
}

variable "environment" {
  description = "As docket's own setting: staging or production."
  type        = string
  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "There are staging and production."
  }
}

variable "region" {
  type    = string
  default = "europe-west1"
}

variable "domain" {
  description = "The host name of the API. candidate.DOMAIN leads to a version that has no traffic yet."
  type        = string
}

variable "image" {
  description = "The image to begin with, by digest. Afterwards the pipeline says which one runs."
  type        = string
  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "An image is named by its digest: …@sha256:…"
  }
}

variable "deployer" {
  description = "The service account of the builds that deploy here: an output of deploy/gcp/delivery."
  type        = string
}

variable "oidc_issuer" {
  description = "DOCKET_OIDC_ISSUER: who says who asks."
  type        = string
}

variable "oidc_audience" {
  description = "DOCKET_OIDC_AUDIENCE: this API's name there."
  type        = string
}

variable "settings" {
  description = "Other settings of docket, as DOCKET_… or OTEL_… = \"value\". No secrets: they are in the state."
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for name in keys(var.settings) : can(regex("^(DOCKET|OTEL)_", name)) && name != "DOCKET_ADMIN"])
    error_message = "docket reads DOCKET_… and OTEL_…, and nobody reaches DOCKET_ADMIN on Cloud Run."
  }
}

variable "instances" {
  description = "How many run at least, and at most."
  type        = object({ min = number, max = number })
}

variable "database" {
  description = "highly_available is a standby in another zone. max_connections is PostgreSQL's. replicas are where queries read, too."
  type = object({
    tier             = string
    highly_available = bool
    max_connections  = number
    backups          = number
    replicas         = optional(number, 0)
  })
  validation {
    condition     = contains(range(10), var.database.replicas)
    error_message = "database.replicas: there are 0 to 9."
  }
}

variable "password_version" {
  description = "One more makes a new password of the database."
  type        = number
  default     = 1
}

variable "cursor_secret_version" {
  description = "One more makes a new secret of cursors. Those that clients have are void then."
  type        = number
  default     = 1
}

variable "shared_store" {
  description = "Whether the servers share a store, in Memorystore: they count requests together, and can read from replicas. Else each counts by itself."
  type        = bool
}

variable "waf_preview" {
  description = "Whether what the preconfigured rules would refuse is only logged."
  type        = bool
}

variable "requests_per_minute" {
  description = "How many requests one address may send to the load balancer. docket has limits of its own."
  type        = number
  default     = 3000
}

variable "notification_channels" {
  description = "Whom alerts tell: by a name, the channel's type (email, pagerduty, …) and its labels."
  type        = map(object({ type = string, labels = map(string) }))
}

variable "deletion_protection" {
  description = "Whether neither Terraform nor the console can delete the database and the services."
  type        = bool
  default     = true
}
