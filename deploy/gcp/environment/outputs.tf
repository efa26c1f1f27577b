output "addresses" {
  description = "The domain, and candidate. below it, lead here: A and AAAA."
  value       = { for version, address in google_compute_global_address.api : version => address.address }
}

output "certificate_record" {
  description = "The DNS record by which Google sees that the domain is yours."
  value       = google_certificate_manager_dns_authorization.api.dns_resource_record
}

output "database" {
  description = "The instance, for gcloud sql."
  value       = google_sql_database_instance.main.connection_name
}

output "run_agent" {
  description = "Who pulls images for Cloud Run: for deploy/gcp/delivery."
  value       = "service-${data.google_project.this.number}@serverless-robot-prod.iam.gserviceaccount.com"
}

data "google_project" "this" {}
