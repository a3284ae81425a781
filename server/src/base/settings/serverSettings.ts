import { isIP } from "node:net"
import { LogLevel, Record, Schema } from "effect"
import { absolutePath, form, httpUrl, oneOf, onOff, port, seconds, secret, text } from "./forms.ts"
import { type Form, optional, setting } from "./setting.ts"

const domain = form(
  Schema.String.pipe(Schema.pattern(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/)),
  'a domain is written as "localhost" or "apps.example.com"'
)

const levels: Readonly<Record<string, LogLevel.LogLevel>> = {
  trace: LogLevel.Trace,
  debug: LogLevel.Debug,
  info: LogLevel.Info,
  warning: LogLevel.Warning,
  error: LogLevel.Error,
  none: LogLevel.None
}
const level: Form<LogLevel.LogLevel> = {
  read: (written) => Record.get(levels, written.toLowerCase()),
  help: `write one of ${Object.keys(levels).join(", ")}`
}

const isHostName = (host: string): boolean =>
  URL.canParse(`http://${host}:1`) && new URL(`http://${host}:1`).hostname === host.toLowerCase()

/** An IP address or a name, without a port. */
const address = form(
  Schema.String.pipe(Schema.filter((host) => isIP(host) !== 0 || isHostName(host))),
  'write an IP address or a host name without a port, such as "127.0.0.1", "::" or "localhost"'
)

/** Settings for the server's address, its storage, and its own logs. */
export const serverSettings = {
  host: setting("MAXCLOUD_HOST", address, {
    default: "127.0.0.1",
    text: "Address to listen on. On any address other than loopback, every request needs a credential (`MAXCLOUD_AUTH`)."
  }),
  port: setting("MAXCLOUD_PORT", port, {
    default: "8080",
    text: "Port of the API and of the services' URLs. 0 picks a free port."
  }),
  /** Absolute. */
  dataDir: setting("MAXCLOUD_DATA_DIR", absolutePath, {
    default: ".maxcloud",
    text: "Folder of the embedded database, source snapshots, logs and the key that seals secrets."
  }),
  /** The server's own role. */
  databaseUrl: optional("DATABASE_URL", secret, {
    unset: "the embedded Postgres in the data folder",
    text: "A Postgres to use instead of the embedded one, such as `postgres://maxcloud@db:5432/maxcloud`: a role that neither owns the tables nor bypasses row-level security."
  }),
  migrationDatabaseUrl: optional("MAXCLOUD_MIGRATION_DATABASE_URL", secret, {
    unset: "`DATABASE_URL`",
    text: "Connection URL of the same database for the role that owns the tables and runs migrations."
  }),
  domain: optional("MAXCLOUD_DOMAIN", domain, {
    unset: "localhost; on Kubernetes the domain of Knative",
    text: "Domain of the services' hosts: `<service>--<app>--<organization>.<domain>`."
  }),
  inPlace: setting("MAXCLOUD_IN_PLACE", onOff, {
    default: "false",
    text: "Whether services can run in place from a folder instead of from a snapshot. `maxcloud dev` sets it."
  }),
  logFormat: setting("MAXCLOUD_LOG", oneOf("json", "text"), {
    default: process.stderr.isTTY === true ? "text" : "json",
    shown: "text on a terminal, else json",
    text: "Format of the server's own log (on standard error): `json`, one object per line, or `text`."
  }),
  logLevel: setting("MAXCLOUD_LOG_LEVEL", level, {
    default: "info",
    text: "Minimum severity to log: trace, debug, info, warning, error or none."
  }),
  /** How long open requests may take to finish when the server stops. */
  drainTimeout: setting("MAXCLOUD_DRAIN_SECONDS", seconds(0, 3_600), {
    default: "10",
    text: "Seconds to drain open requests on shutdown."
  }),
  /** undefined: no tracing. */
  otlpEndpoint: optional("OTEL_EXPORTER_OTLP_ENDPOINT", httpUrl("http://localhost:4318"), {
    unset: "no tracing",
    text: "Base URL of an OpenTelemetry collector (OTLP over HTTP) for traces, metrics and logs."
  }),
  otelServiceName: setting("OTEL_SERVICE_NAME", text, {
    default: "maxcloud-server",
    text: "The server's name in traces."
  })
}
