variable "project" {
  description = "The project of the pipeline."
  type        = string
}

variable "region" {
  type    = string
  default = "europe-west1"
}

variable "repository" {
  description = "The repository as Cloud Build is connected to it: projects/…/locations/…/connections/…/repositories/…"
  type        = string
}

variable "environments" {
  description = "Where to deploy. run_agent is an output of deploy/gcp/environment: who pulls the images there."
  type = map(object({
    project   = string
    domain    = string
    run_agent = string
  }))
  validation {
    condition     = toset(keys(var.environments)) == toset(["staging", "production"])
    error_message = "There are staging and production."
  }
}

variable "goproxy" {
  description = "Where Go modules come from; the registry's own ones from modules, with its address before a comma."
  type        = string
  default     = "https://proxy.golang.org,direct"
}

variable "goprivate" {
  description = "Modules that the checksum database does not know: your own."
  type        = string
  default     = ""
}
