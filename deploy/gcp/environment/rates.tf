# Where all servers count requests. What is in it may be lost at any time: a
# server that cannot reach it counts by itself.

resource "google_redis_instance" "rates" {
  count              = var.shared_rates ? 1 : 0
  name               = "${local.name}-rates"
  tier               = "BASIC"
  memory_size_gb     = 1
  redis_version      = "REDIS_7_2"
  redis_configs      = { maxmemory-policy = "volatile-ttl" }
  auth_enabled       = true
  authorized_network = google_compute_network.main.id
  connect_mode       = "PRIVATE_SERVICE_ACCESS"
  depends_on         = [google_service_networking_connection.services]
}
