# The way from the internet: a global load balancer with a certificate that Google
# renews, and HTTPS only. candidate.DOMAIN leads to the version that the pipeline
# has tagged so, which may have no traffic yet.

resource "google_compute_global_address" "api" {
  for_each   = toset(["IPV4", "IPV6"])
  name       = "${local.name}-${lower(each.key)}"
  ip_version = each.key
  depends_on = [google_project_service.used]
}

resource "google_certificate_manager_dns_authorization" "api" {
  name       = local.name
  domain     = var.domain # and what is below it
  depends_on = [google_project_service.used]
}

resource "google_certificate_manager_certificate" "api" {
  name = local.name
  managed {
    domains            = [var.domain, "*.${var.domain}"]
    dns_authorizations = [google_certificate_manager_dns_authorization.api.id]
  }
}

resource "google_certificate_manager_certificate_map" "api" {
  name = local.name
}

resource "google_certificate_manager_certificate_map_entry" "api" {
  for_each     = toset(local.api_names)
  name         = replace(each.key, ".", "-")
  map          = google_certificate_manager_certificate_map.api.name
  certificates = [google_certificate_manager_certificate.api.id]
  hostname     = each.key
}

locals {
  # The tags of the versions that a backend leads to; none is by traffic.
  backends = { live = null, candidate = "candidate" }
}

resource "google_compute_region_network_endpoint_group" "docket" {
  for_each              = local.backends
  name                  = "${local.name}-${each.key}"
  region                = var.region
  network_endpoint_type = "SERVERLESS"
  cloud_run {
    service = google_cloud_run_v2_service.docket.name
    tag     = each.value
  }
}

resource "google_compute_backend_service" "docket" {
  for_each              = local.backends
  name                  = "${local.name}-${each.key}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.api.id
  # TLS ends here, so docket does not say so itself.
  custom_response_headers = ["Strict-Transport-Security: max-age=31536000"]

  backend {
    group = google_compute_region_network_endpoint_group.docket[each.key].id
  }

  log_config {
    enable      = true
    sample_rate = 1
  }
}

resource "google_compute_url_map" "api" {
  name            = local.name
  default_service = google_compute_backend_service.docket["live"].id

  host_rule {
    hosts        = ["candidate.${var.domain}"]
    path_matcher = "candidate"
  }

  path_matcher {
    name            = "candidate"
    default_service = google_compute_backend_service.docket["candidate"].id
  }
}

resource "google_compute_ssl_policy" "api" {
  name            = local.name
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_target_https_proxy" "api" {
  name            = local.name
  url_map         = google_compute_url_map.api.id
  ssl_policy      = google_compute_ssl_policy.api.id
  certificate_map = "//certificatemanager.googleapis.com/${google_certificate_manager_certificate_map.api.id}"
}

resource "google_compute_global_forwarding_rule" "https" {
  for_each              = google_compute_global_address.api
  name                  = "${local.name}-https-${lower(each.key)}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = each.value.id
  port_range            = "443"
  target                = google_compute_target_https_proxy.api.id
}

resource "google_compute_url_map" "redirect" {
  name = "${local.name}-redirect"
  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "PERMANENT_REDIRECT" # 308 keeps the method
    strip_query            = false
  }
}

resource "google_compute_target_http_proxy" "redirect" {
  name    = "${local.name}-redirect"
  url_map = google_compute_url_map.redirect.id
}

resource "google_compute_global_forwarding_rule" "http" {
  for_each              = google_compute_global_address.api
  name                  = "${local.name}-http-${lower(each.key)}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = each.value.id
  port_range            = "80"
  target                = google_compute_target_http_proxy.redirect.id
}
