# CHANGE-ME stands where only you can know.
project       = "CHANGE-ME-production"
environment   = "production"
domain        = "docket.example.org"
deployer      = "docket-production-deployer@CHANGE-ME-delivery.iam.gserviceaccount.com"
oidc_issuer   = "https://id.example.org/realms/clinic"
oidc_audience = "docket"
instances     = { min = 2, max = 10 }
database = {
  tier             = "db-custom-4-15360"
  highly_available = true
  max_connections  = 400
  backups          = 30
}
shared_store          = true
waf_preview           = true # until the log of a week was read: docs/google-cloud.md
notification_channels = { night = { type = "email", labels = { email_address = "night@example.org" } } }
