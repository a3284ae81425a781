import { Config, type Redacted, Schema } from "effect"
import { from, HttpUrl, optional, type Settings } from "./setting.ts"

/** Where log lines are kept after their instances are gone, on Kubernetes. */
export interface LogSettings {
  readonly logs: "folder" | "s3" | "loki"
  readonly logsDays: number
  readonly logsBucket: string | undefined
  readonly logsRegion: string | undefined
  readonly logsEndpoint: string | undefined
  readonly logsLokiUrl: string | undefined
  readonly logsLokiTenant: string | undefined
  readonly logsLokiUser: string | undefined
  readonly logsLokiPassword: Redacted.Redacted | undefined
  readonly logsLokiToken: Redacted.Redacted | undefined
  readonly logsLokiTokenFile: string | undefined
}

/** Names of tenants as Loki takes them; `.` and `..` are none. */
const Tenant = Schema.String.pipe(
  Schema.filter((text) => {
    const name = text.replaceAll("{organization}", "org")
    return /^[A-Za-z0-9!_.*'()-]{1,100}$/.test(name) && !/^\.{1,2}$/.test(name)
  })
)

const Positive = Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 1_000_000_000))

export const logSettings: Settings<LogSettings> = {
  logs: {
    name: "MAXCLOUD_LOGS",
    config: from("MAXCLOUD_LOGS", Schema.Literal("folder", "s3", "loki"), 'write "folder", "s3" or "loki"').pipe(
      Config.withDefault<"folder" | "s3" | "loki">("folder")
    ),
    default: "folder",
    description:
      "Where log lines of a cluster's instances are kept after these are gone: `folder` (in the data folder), `s3` (a bucket) or `loki` (Grafana Loki). Several servers that share a database need one of the latter two. Credentials for a bucket come from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or as the AWS SDK finds them."
  },
  logsDays: {
    name: "MAXCLOUD_LOGS_DAYS",
    config: from("MAXCLOUD_LOGS_DAYS", Positive, "days, a whole number from 1 on").pipe(Config.withDefault(14)),
    default: "14",
    description:
      "For how many days log lines are kept on Kubernetes. In Loki they are kept for as long as it is set to keep them: this is then how far back is read where Loki does not tell."
  },
  logsBucket: {
    name: "MAXCLOUD_LOGS_S3_BUCKET",
    config: optional(Config.nonEmptyString("MAXCLOUD_LOGS_S3_BUCKET")),
    default: "none",
    description: "The bucket for `MAXCLOUD_LOGS=s3`; it must exist."
  },
  logsRegion: {
    name: "MAXCLOUD_LOGS_S3_REGION",
    config: optional(Config.nonEmptyString("MAXCLOUD_LOGS_S3_REGION")),
    default: "us-east-1",
    description: "Region of the bucket."
  },
  logsEndpoint: {
    name: "MAXCLOUD_LOGS_S3_ENDPOINT",
    config: optional(from("MAXCLOUD_LOGS_S3_ENDPOINT", HttpUrl, 'a URL is written as "https://s3.example.com"')),
    default: "Amazon's",
    description: "URL of an S3 server other than Amazon's; the bucket is then in the path."
  },
  logsLokiUrl: {
    name: "MAXCLOUD_LOGS_LOKI_URL",
    config: optional(
      from("MAXCLOUD_LOGS_LOKI_URL", HttpUrl, 'a URL is written as "http://loki.logging:3100"').pipe(
        Config.map((_) => _.replace(/\/+$/, ""))
      )
    ),
    default: "none",
    description: "Base URL of Grafana Loki (3.0 or later) for `MAXCLOUD_LOGS=loki`."
  },
  logsLokiTenant: {
    name: "MAXCLOUD_LOGS_LOKI_TENANT",
    config: optional(
      from("MAXCLOUD_LOGS_LOKI_TENANT", Tenant, "letters, digits and !-_.*'() of Loki, at most 100, and {organization}")
    ),
    default: "none",
    description:
      "Loki's tenant (header `X-Scope-OrgID`), for one with `auth_enabled: true`. `{organization}` in it stands for an organization's id: each has a tenant of its own then."
  },
  logsLokiUser: {
    name: "MAXCLOUD_LOGS_LOKI_USER",
    config: optional(Config.nonEmptyString("MAXCLOUD_LOGS_LOKI_USER")),
    default: "none",
    description: "User name, where a proxy before Loki asks for one (HTTP Basic)."
  },
  logsLokiPassword: {
    name: "MAXCLOUD_LOGS_LOKI_PASSWORD",
    config: optional(Config.redacted("MAXCLOUD_LOGS_LOKI_PASSWORD")),
    default: "none",
    description: "The password for that user. Programs that the server starts do not inherit it."
  },
  logsLokiToken: {
    name: "MAXCLOUD_LOGS_LOKI_TOKEN",
    config: optional(Config.redacted("MAXCLOUD_LOGS_LOKI_TOKEN")),
    default: "none",
    description: "A bearer token for Loki, instead of a user. Programs that the server starts do not inherit it."
  },
  logsLokiTokenFile: {
    name: "MAXCLOUD_LOGS_LOKI_TOKEN_FILE",
    config: optional(Config.nonEmptyString("MAXCLOUD_LOGS_LOKI_TOKEN_FILE")),
    default: "none",
    description: "A file with that token, read for each request."
  }
}

export const logConfig: Config.Config<LogSettings> = Config.all({
  logs: logSettings.logs.config,
  logsDays: logSettings.logsDays.config,
  logsBucket: logSettings.logsBucket.config,
  logsRegion: logSettings.logsRegion.config,
  logsEndpoint: logSettings.logsEndpoint.config,
  logsLokiUrl: logSettings.logsLokiUrl.config,
  logsLokiTenant: logSettings.logsLokiTenant.config,
  logsLokiUser: logSettings.logsLokiUser.config,
  logsLokiPassword: logSettings.logsLokiPassword.config,
  logsLokiToken: logSettings.logsLokiToken.config,
  logsLokiTokenFile: logSettings.logsLokiTokenFile.config
})
