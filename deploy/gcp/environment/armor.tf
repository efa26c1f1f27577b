# What the load balancer refuses before docket hears of it. The rules go from the
# lowest number up, and the first that fits decides.

locals {
  # Rules of Google's, at the level that errs least. A GraphQL document has braces,
  # quotes and words of SQL in it: its parser takes it apart, so that they are held
  # against what its strings say and not against its text. Not among them are those
  # for files, shells, PHP, Java and Node, none of which is here; and people have
  # names and notes that look like much.
  waf = {
    "scannerdetection-v33-stable" = 100
    "protocolattack-v33-stable"   = 110
    "sqli-v33-stable"             = 120
  }
}

resource "google_compute_security_policy" "api" {
  name = local.name
  type = "CLOUD_ARMOR"

  advanced_options_config {
    json_parsing = "STANDARD_WITH_GRAPHQL"
    log_level    = "NORMAL" # VERBOSE logs what people send
  }

  adaptive_protection_config {
    layer_7_ddos_defense_config {
      enable = true # tells of floods; it refuses nothing by itself
    }
  }

  # /readyz is for Cloud Run, and the pages for browsers are not in production.
  dynamic "rule" {
    for_each = var.environment == "production" ? [10] : []
    content {
      priority    = rule.value
      description = "there is /graphql, and nothing else"
      action      = "deny(404)"
      match {
        expr {
          expression = "request.path != '/graphql'"
        }
      }
    }
  }

  dynamic "rule" {
    for_each = local.waf
    content {
      priority    = rule.value
      description = rule.key
      action      = "deny(403)"
      preview     = var.waf_preview
      match {
        expr {
          expression = "evaluatePreconfiguredWaf('${rule.key}', {'sensitivity': 1})"
        }
      }
    }
  }

  # Against floods. docket counts by identity, and more strictly: many clients can
  # share an address.
  rule {
    priority    = 1000
    description = "one address"
    action      = "throttle"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"
      rate_limit_threshold {
        count        = var.requests_per_minute
        interval_sec = 60
      }
    }
  }

  rule { # every policy has to have one
    priority    = 2147483647
    description = "anything else"
    action      = "allow"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}
