import { resolve } from "node:path"
import {
  Config,
  type ConfigError,
  Context,
  Data,
  Duration,
  Effect,
  Either,
  LogLevel,
  type Redacted,
  Schema
} from "effect"
import { runtimeOf } from "./runtime/runtimeOf.ts"
import { type BackupSettings, backupConfig, backupSettings } from "./settings/backupSettings.ts"
import { type DatabaseSettings, databaseConfig, databaseSettings } from "./settings/databaseSettings.ts"
import { type DiskSettings, diskConfig, diskSettings } from "./settings/diskSettings.ts"
import { type IdentitySettings, identityConfig, identitySettings } from "./settings/identitySettings.ts"
import { type KeySettings, keyConfig, keySettings } from "./settings/keySettings.ts"
import { type KubernetesSettings, kubernetesConfig, kubernetesSettings } from "./settings/kubernetesSettings.ts"
import { type LimitSettings, limitConfig, limitSettings } from "./settings/limitSettings.ts"
import { type LogSettings, logConfig, logSettings } from "./settings/logSettings.ts"
import { type MailSettings, mailConfig, mailRoute, mailSettings } from "./settings/mailSettings.ts"
import { type ProxySettings, proxyConfig, proxySettings } from "./settings/proxySettings.ts"
import { type RegistrySettings, registryConfig, registrySettings } from "./settings/registrySettings.ts"
import { type SecretSettings, secretConfig, secretSettings } from "./settings/secretSettings.ts"
import { from, HttpUrl, optional, Port, type Settings, Switch } from "./settings/setting.ts"

/** Everything that can be set, parsed. */
export interface ServerSettings
  extends BackupSettings,
    DatabaseSettings,
    DiskSettings,
    IdentitySettings,
    KeySettings,
    KubernetesSettings,
    LimitSettings,
    LogSettings,
    MailSettings,
    ProxySettings,
    RegistrySettings,
    SecretSettings {
  /** Address to listen on. */
  readonly host: string
  /** Port of the API and of the services' public URLs; 0 takes a free one. */
  readonly port: number
  /** Absolute folder of the embedded database, sources, logs and keys. */
  readonly dataDir: string
  /** A Postgres to use instead of the embedded one: the server's own role. */
  readonly databaseUrl: Redacted.Redacted | undefined
  /** The role that owns the tables and runs migrations. */
  readonly migrationDatabaseUrl: Redacted.Redacted | undefined
  /** Domain under which services have their hosts. undefined: `localhost`, or on Kubernetes the cluster's own. */
  readonly domain: string | undefined
  /** May services run in place from a folder (`maxcloud dev`)? */
  readonly inPlace: boolean
  /** How logs of the server itself are written. */
  readonly logFormat: "json" | "text"
  readonly logLevel: LogLevel.LogLevel
  /** How long requests that are under way may take to end when the server stops. */
  readonly drainTimeout: Duration.Duration
  /** Base URL of an OpenTelemetry collector (OTLP over HTTP). Without it nothing is traced. */
  readonly otlpEndpoint: string | undefined
  readonly otelServiceName: string
}

/** The settings of this server. */
export class ServerConfig extends Context.Tag("@maxcloud/server/ServerConfig")<ServerConfig, ServerSettings>() {}

/** A setting cannot be read. `message` names it and says what it may be. */
export class InvalidSetting extends Data.TaggedError("InvalidSetting")<{ readonly message: string }> {}

const Seconds = Schema.NumberFromString.pipe(Schema.between(0, 3600))
const Domain = Schema.String.pipe(Schema.pattern(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/))
const levels = {
  trace: LogLevel.Trace,
  debug: LogLevel.Debug,
  info: LogLevel.Info,
  warning: LogLevel.Warning,
  error: LogLevel.Error,
  none: LogLevel.None
} as const
const LevelName = Schema.Literal("trace", "debug", "info", "warning", "error", "none")
const lowerCase = <A, I extends string>(schema: Schema.Schema<A, I>) =>
  Schema.compose(Schema.Lowercase, schema, { strict: false })
/** One entry per setting: this is what is read, and what `docs/reference/configuration.md` is made from. */
const ownSettings: Settings<
  Omit<
    ServerSettings,
    | keyof BackupSettings
    | keyof DatabaseSettings
    | keyof DiskSettings
    | keyof IdentitySettings
    | keyof KeySettings
    | keyof KubernetesSettings
    | keyof LimitSettings
    | keyof LogSettings
    | keyof MailSettings
    | keyof ProxySettings
    | keyof RegistrySettings
    | keyof SecretSettings
  >
> = {
  host: {
    name: "MAXCLOUD_HOST",
    config: Config.string("MAXCLOUD_HOST").pipe(Config.withDefault("127.0.0.1")),
    default: "127.0.0.1",
    description:
      "Address to listen on. On another than a loopback address every request needs a credential (`MAXCLOUD_AUTH`)."
  },
  port: {
    name: "MAXCLOUD_PORT",
    config: from("MAXCLOUD_PORT", Port, "a port is a whole number from 0 to 65535").pipe(Config.withDefault(8080)),
    default: "8080",
    description: "Port of the API and of the services' URLs. 0 takes a free one."
  },
  dataDir: {
    name: "MAXCLOUD_DATA_DIR",
    config: Config.nonEmptyString("MAXCLOUD_DATA_DIR").pipe(
      Config.withDefault(".maxcloud"),
      Config.map((_) => resolve(_))
    ),
    default: ".maxcloud",
    description: "Folder of the embedded database, source snapshots, logs and the key that seals secrets."
  },
  databaseUrl: {
    name: "DATABASE_URL",
    config: optional(Config.redacted("DATABASE_URL")),
    default: "the embedded Postgres in the data folder",
    description:
      "A Postgres to use instead of the embedded one, such as `postgres://maxcloud@db:5432/maxcloud`: a role that neither owns the tables nor bypasses row security."
  },
  migrationDatabaseUrl: {
    name: "MAXCLOUD_MIGRATION_DATABASE_URL",
    config: optional(Config.redacted("MAXCLOUD_MIGRATION_DATABASE_URL")),
    default: "`DATABASE_URL`",
    description: "The same database by the role that owns the tables and runs migrations."
  },
  domain: {
    name: "MAXCLOUD_DOMAIN",
    config: optional(from("MAXCLOUD_DOMAIN", Domain, 'a domain is written as "localhost" or "apps.example.com"')),
    default: "localhost; on Kubernetes the one that Knative has",
    description: "Domain of the services' hosts: `<service>--<organization>.<domain>`."
  },
  inPlace: {
    name: "MAXCLOUD_IN_PLACE",
    config: from("MAXCLOUD_IN_PLACE", Switch, 'write "true" or "false"').pipe(Config.withDefault(false)),
    default: "false",
    description: "May services run in place from a folder instead of from a snapshot? `maxcloud dev` sets it."
  },
  logFormat: {
    name: "MAXCLOUD_LOG",
    config: from("MAXCLOUD_LOG", Schema.Literal("json", "text"), 'write "json" or "text"').pipe(
      Config.withDefault(process.stderr.isTTY === true ? "text" : "json")
    ),
    default: "text on a terminal, else json",
    description: "How the server writes its own log (to standard error): `json`, one object a line, or `text`."
  },
  logLevel: {
    name: "MAXCLOUD_LOG_LEVEL",
    config: from("MAXCLOUD_LOG_LEVEL", lowerCase(LevelName), `write one of ${Object.keys(levels).join(", ")}`).pipe(
      Config.map((_): LogLevel.LogLevel => levels[_]),
      Config.withDefault<LogLevel.LogLevel>(LogLevel.Info)
    ),
    default: "info",
    description: "The least severe entries that are written: trace, debug, info, warning, error or none."
  },
  drainTimeout: {
    name: "MAXCLOUD_DRAIN_SECONDS",
    config: from("MAXCLOUD_DRAIN_SECONDS", Seconds, "seconds, from 0 to 3600").pipe(
      Config.map((_) => Duration.seconds(_)),
      Config.withDefault(Duration.seconds(10))
    ),
    default: "10",
    description: "How many seconds requests that are under way get to end when the server stops."
  },
  otlpEndpoint: {
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    config: optional(from("OTEL_EXPORTER_OTLP_ENDPOINT", HttpUrl, 'a URL is written as "http://localhost:4318"')),
    default: "no tracing",
    description: "Base URL of an OpenTelemetry collector (OTLP over HTTP) that traces, metrics and logs are sent to."
  },
  otelServiceName: {
    name: "OTEL_SERVICE_NAME",
    config: Config.nonEmptyString("OTEL_SERVICE_NAME").pipe(Config.withDefault("maxcloud-server")),
    default: "maxcloud-server",
    description: "Name under which the server appears in traces."
  }
}

/** Every setting, in the order in which the reference tells them. */
export const settings: Settings<ServerSettings> = {
  ...ownSettings,
  ...databaseSettings,
  ...backupSettings,
  ...diskSettings,
  ...identitySettings,
  ...keySettings,
  ...secretSettings,
  ...mailSettings,
  ...limitSettings,
  ...kubernetesSettings,
  ...registrySettings,
  ...proxySettings,
  ...logSettings
}

/** Loopback, as an address or as the name of it. */
export const isLoopback = (host: string) => host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host)

/** Does a request without a credential act for the organization `local`? */
export const callsWithoutCredential = ({ auth, host }: Pick<ServerSettings, "auth" | "host">) =>
  auth === undefined ? isLoopback(host) : auth === "local"

const refuseOpenAddress = (all: ServerSettings): Effect.Effect<ServerSettings, InvalidSetting> =>
  isLoopback(all.host) || !callsWithoutCredential(all)
    ? Effect.succeed(all)
    : Effect.fail(
        new InvalidSetting({
          message: `with MAXCLOUD_AUTH=local the server does not listen on "${all.host}": whoever reaches that address could deploy. Leave MAXCLOUD_AUTH out (every request then needs a credential), or listen on 127.0.0.1 (MAXCLOUD_HOST, --host)`
        })
      )

/** People sign in by mail. What an operator runs beside a server sends none, and needs no setting for it. */
export const refuseWithoutMail = (all: ServerSettings): Effect.Effect<ServerSettings, InvalidSetting> =>
  Either.match(mailRoute(all, callsWithoutCredential(all)), {
    onLeft: (message) => Effect.fail(new InvalidSetting({ message })),
    onRight: () => Effect.succeed(all)
  })

const refuseStoreLocally = (all: ServerSettings): Effect.Effect<ServerSettings, InvalidSetting> =>
  all.externalSecretStore === undefined || runtimeOf(all) === "kubernetes"
    ? Effect.succeed(all)
    : Effect.fail(
        new InvalidSetting({
          message: `MAXCLOUD_EXTERNAL_SECRET_STORE is "${all.externalSecretStore}", but services run on this machine, where no External Secrets Operator reads a store. Leave it out, or set MAXCLOUD_KUBECONFIG`
        })
      )

/** What is set in the environment, with `options` before it. */
export const readSettings = (options: Partial<ServerSettings> = {}): Effect.Effect<ServerSettings, InvalidSetting> =>
  Effect.gen(function* () {
    const read = yield* Config.all({
      host: settings.host.config,
      port: settings.port.config,
      dataDir: settings.dataDir.config,
      databaseUrl: settings.databaseUrl.config,
      migrationDatabaseUrl: settings.migrationDatabaseUrl.config,
      domain: settings.domain.config,
      inPlace: settings.inPlace.config,
      logFormat: settings.logFormat.config,
      logLevel: settings.logLevel.config,
      drainTimeout: settings.drainTimeout.config,
      otlpEndpoint: settings.otlpEndpoint.config,
      otelServiceName: settings.otelServiceName.config,
      backup: backupConfig,
      database: databaseConfig,
      disk: diskConfig,
      identity: identityConfig,
      keys: keyConfig,
      mail: mailConfig,
      limits: limitConfig,
      kubernetes: kubernetesConfig,
      proxies: proxyConfig,
      registries: registryConfig,
      logs: logConfig,
      secrets: secretConfig
    }).pipe(Effect.mapError((error) => new InvalidSetting({ message: sentence(error) })))
    const {
      backup,
      database,
      disk,
      identity,
      keys,
      kubernetes,
      limits,
      logs,
      mail,
      proxies,
      registries,
      secrets,
      ...own
    } = read
    const all = yield* refuseOpenAddress({
      ...own,
      ...backup,
      ...database,
      ...disk,
      ...identity,
      ...keys,
      ...mail,
      ...limits,
      ...kubernetes,
      ...proxies,
      ...registries,
      ...logs,
      ...secrets,
      ...options,
      dataDir: resolve(options.dataDir ?? read.dataDir)
    })
    return yield* refuseStoreLocally(all)
  })

const sentence = (error: ConfigError.ConfigError): string =>
  error._op === "And" || error._op === "Or"
    ? `${sentence(error.left)}; ${sentence(error.right)}`
    : `${error.path.join("_")}: ${error.message}`
