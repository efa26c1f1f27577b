# CHANGE-ME stands where only you can know.
project    = "CHANGE-ME-delivery"
repository = "projects/CHANGE-ME-delivery/locations/europe-west1/connections/CHANGE-ME/repositories/docket"
environments = {
  staging = {
    project   = "CHANGE-ME-staging"
    domain    = "docket-staging.example.org"
    run_agent = "service-CHANGE-ME@serverless-robot-prod.iam.gserviceaccount.com"
  }
  production = {
    project   = "CHANGE-ME-production"
    domain    = "docket.example.org"
    run_agent = "service-CHANGE-ME@serverless-robot-prod.iam.gserviceaccount.com"
  }
}
