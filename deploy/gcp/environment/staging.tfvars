# CHANGE-ME stands where only you can know.
project       = "CHANGE-ME-staging"
environment   = "staging"
domain        = "docket-staging.example.org"
deployer      = "docket-staging-deployer@CHANGE-ME-delivery.iam.gserviceaccount.com"
oidc_issuer   = "https://id.example.org/realms/staging"
oidc_audience = "docket"
instances     = { min = 0, max = 2 }
database = {
  tier             = "db-custom-1-3840"
  highly_available = false
  max_connections  = 100
  backups          = 7
}
shared_store          = false
waf_preview           = false # the smoke test goes through them
notification_channels = { team = { type = "email", labels = { email_address = "team@example.org" } } }
deletion_protection   = false
