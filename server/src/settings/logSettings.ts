import { Config, Schema } from "effect"
import { from, HttpUrl, optional, type Settings } from "./setting.ts"

/** Where log lines are kept after their instances are gone, on Kubernetes. */
export interface LogSettings {
  readonly logs: "folder" | "s3"
  readonly logsDays: number
  readonly logsMegabytes: number
  readonly logsBucket: string | undefined
  readonly logsRegion: string | undefined
  readonly logsEndpoint: string | undefined
}

const Positive = Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 1_000_000_000))

export const logSettings: Settings<LogSettings> = {
  logs: {
    name: "MAXCLOUD_LOGS",
    config: from("MAXCLOUD_LOGS", Schema.Literal("folder", "s3"), 'write "folder" or "s3"').pipe(
      Config.withDefault<"folder" | "s3">("folder")
    ),
    default: "folder",
    description:
      "Where log lines of a cluster's instances are kept after these are gone: `folder` (in the data folder), or `s3` (a bucket; needed where several servers share a database). Credentials for a bucket come from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or as the AWS SDK finds them."
  },
  logsDays: {
    name: "MAXCLOUD_LOGS_DAYS",
    config: from("MAXCLOUD_LOGS_DAYS", Positive, "days, a whole number from 1 on").pipe(Config.withDefault(14)),
    default: "14",
    description: "For how many days log lines are kept on Kubernetes."
  },
  logsMegabytes: {
    name: "MAXCLOUD_LOGS_MEGABYTES",
    config: from("MAXCLOUD_LOGS_MEGABYTES", Positive, "megabytes, a whole number from 1 on").pipe(
      Config.withDefault(5_120)
    ),
    default: "5120",
    description: "How many MiB, compressed, an organization's log lines may take on Kubernetes; its oldest go."
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
  }
}

export const logConfig: Config.Config<LogSettings> = Config.all({
  logs: logSettings.logs.config,
  logsDays: logSettings.logsDays.config,
  logsMegabytes: logSettings.logsMegabytes.config,
  logsBucket: logSettings.logsBucket.config,
  logsRegion: logSettings.logsRegion.config,
  logsEndpoint: logSettings.logsEndpoint.config
})
