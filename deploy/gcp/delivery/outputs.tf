output "deployers" {
  description = "For deployer in deploy/gcp/environment."
  value       = { for name, account in google_service_account.deployer : name => account.email }
}

output "image" {
  description = "What images are called, without their digest."
  value       = local.image
}

output "modules" {
  description = "GOPROXY of your own modules."
  value       = "https://${var.region}-go.pkg.dev/${var.project}/${google_artifact_registry_repository.modules.repository_id}"
}
