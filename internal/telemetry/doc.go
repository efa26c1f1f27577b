// Package telemetry tells operators what a server does: traces, metrics and logs,
// by OpenTelemetry. Measurements leave by two exits, Prometheus' and OTLP; spans
// and log records by OTLP alone. docs/telemetry.md lists all of them.
//
// It has no global state: what is measured is given a [Telemetry], and a nil one
// does nothing and costs nothing. What it exports never waits for who receives it:
// queues are bounded, and what does not fit is dropped.
//
// Nothing that it exports has a value of a request in it: no variable, no argument
// of a statement, no message of a database, no name or subject of a person.
package telemetry
