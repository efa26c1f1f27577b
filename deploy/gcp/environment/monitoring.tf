# What is looked at from outside and from inside, and when somebody is told.
# docs/google-cloud.md has what to do then.

resource "google_monitoring_notification_channel" "who" {
  for_each     = var.notification_channels
  display_name = each.key
  type         = each.value.type
  labels       = each.value.labels
  depends_on   = [google_project_service.used]
}

# From three continents: the name, the certificate, the load balancer, docket and
# its database. Not /readyz, which the load balancer does not let through.
resource "google_monitoring_uptime_check_config" "api" {
  display_name = local.name
  period       = "60s"
  timeout      = "10s"
  depends_on   = [google_project_service.used]

  http_check {
    path                = "/graphql"
    port                = 443
    use_ssl             = true
    validate_ssl        = true
    request_method      = "POST"
    content_type        = "USER_PROVIDED"
    custom_content_type = "application/json"
    body                = base64encode(jsonencode({ query = "{ availableAppointments(first: 1) { pageInfo { hasNextPage } } }" }))
  }

  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project, host = var.domain }
  }

  content_matchers {
    matcher = "CONTAINS_STRING"
    content = "{\"data\":{\"availableAppointments\":"
  }
}

# GraphQL answers 200 when a field fails. What went wrong inside is in the log.
resource "google_logging_metric" "errors" {
  name        = "docket_errors"
  description = "What docket logs as an error, by version."
  filter      = "resource.type=\"cloud_run_revision\" resource.labels.service_name=\"docket\" (severity>=ERROR OR jsonPayload.level=\"ERROR\") NOT logName:\"requests\""
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
  depends_on = [google_project_service.used]
}

locals {
  # Cloud Monitoring's names in PromQL: what is before the first slash, a colon, the rest.
  run      = "monitored_resource=\"cloud_run_revision\",service_name=\"docket\""
  database = "monitored_resource=\"cloudsql_database\",database_id=\"${var.project}:${local.name}\""
  replicas = "monitored_resource=\"cloudsql_database\",database_id=~\"${var.project}:${local.name}-replica-.*\""
  requests = "run_googleapis_com:request_count"

  alerts = {
    "error-ratio" = {
      severity = "CRITICAL"
      lasts    = "300s"
      query    = "sum(rate(${local.requests}{${local.run},response_code_class=\"5xx\"}[5m])) / sum(rate(${local.requests}{${local.run}}[5m])) > 0.01"
      means    = "More than 1 % of requests are answered with 5xx."
    }
    "latency" = {
      severity = "WARNING"
      lasts    = "600s"
      query    = "histogram_quantile(0.99, sum by (le) (rate(run_googleapis_com:request_latencies_bucket{${local.run}}[5m]))) > 2000"
      means    = "One request in a hundred takes more than 2 s."
    }
    "errors-logged" = {
      severity = "WARNING"
      lasts    = "0s"
      query    = "sum(increase(logging_googleapis_com:user_docket_errors{${local.run}}[10m])) > 5"
      means    = "docket logs errors; INTERNAL answers among them have their id there."
    }
    "instances" = {
      severity = "WARNING"
      lasts    = "600s"
      query    = "sum(run_googleapis_com:container_instance_count{${local.run}}) > ${0.9 * var.instances.max}"
      means    = "Nearly as many instances run as may."
    }
    "database-cpu" = {
      severity = "WARNING"
      lasts    = "900s"
      query    = "cloudsql_googleapis_com:database_cpu_utilization{${local.database}} > 0.8"
      means    = "The database's processors are busy."
    }
    "database-disk" = {
      severity = "CRITICAL"
      lasts    = "600s"
      query    = "cloudsql_googleapis_com:database_disk_utilization{${local.database}} > 0.9"
      means    = "The database's disk is nearly full, although it grows by itself."
    }
    "database-connections" = {
      severity = "WARNING"
      lasts    = "300s"
      query    = "sum(cloudsql_googleapis_com:database_postgresql_num_backends{${local.database}}) > ${0.8 * var.database.max_connections}"
      means    = "Nearly all connections of the database are in use."
    }
    "replication-lag" = {
      severity = "WARNING"
      lasts    = "300s"
      query    = "max by (database_id) (cloudsql_googleapis_com:database_replication_replica_lag{${local.replicas}}) > 30"
      means    = "A replica is more than 30 s behind."
    }
  }
}

resource "google_monitoring_alert_policy" "docket" {
  for_each              = local.alerts
  display_name          = "${local.name} ${each.key}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = [for channel in google_monitoring_notification_channel.who : channel.name]

  conditions {
    display_name = each.value.means
    condition_prometheus_query_language {
      query               = each.value.query
      duration            = each.value.lasts
      evaluation_interval = "60s"
    }
  }

  documentation {
    subject = "${local.name}: ${each.value.means}"
    content = "What to do is in docs/google-cloud.md, under Alerts: ${each.key}."
  }

  alert_strategy {
    auto_close = "3600s"
  }

  depends_on = [google_logging_metric.errors]
}

resource "google_monitoring_alert_policy" "uptime" {
  display_name          = "${local.name} uptime"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = [for channel in google_monitoring_notification_channel.who : channel.name]

  conditions {
    display_name = "The API does not answer from more than one place."
    condition_threshold {
      filter          = "resource.type = \"uptime_url\" AND metric.type = \"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id = \"${google_monitoring_uptime_check_config.api.uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "60s"
      aggregations {
        alignment_period     = "120s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }
    }
  }

  documentation {
    subject = "${local.name} does not answer"
    content = "What to do is in docs/google-cloud.md, under Alerts: uptime."
  }
}
