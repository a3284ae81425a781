import { Schema } from "effect"
import { baseUrl, form, httpUrl, oneOf, secret, text, whole } from "./forms.ts"
import { optional, setting } from "./setting.ts"

/** Tenant names that Loki accepts, which exclude `.` and `..`. */
const tenant = form(
  Schema.String.pipe(
    Schema.filter((text) => {
      const name = text.replaceAll("{organization}", "org")
      return /^[A-Za-z0-9!_.*'()-]{1,100}$/.test(name) && !/^\.{1,2}$/.test(name)
    })
  ),
  "letters, digits and !-_.*'() of Loki, at most 100, and {organization}"
)

/** Settings for log lines that outlive their instances, on Kubernetes. */
export const logSettings = {
  logs: setting("MAXCLOUD_LOGS", oneOf("folder", "s3", "loki"), {
    default: "folder",
    text: "Where to keep log lines of a cluster's instances after these are gone: `folder` (in the data folder), `s3` (a bucket) or `loki` (Grafana Loki). Several servers that share a database need `s3` or `loki`. Credentials for a bucket come from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or wherever the AWS SDK finds them."
  }),
  logsDays: setting("MAXCLOUD_LOGS_DAYS", whole(1, 1_000_000_000, "days, a whole number from 1 on"), {
    default: "14",
    text: "Days to keep log lines on Kubernetes. For Loki: how far back to read if Loki doesn't report its own retention."
  }),
  logsBucket: optional("MAXCLOUD_LOGS_S3_BUCKET", text, {
    unset: "none",
    text: "The bucket for `MAXCLOUD_LOGS=s3`; it must exist."
  }),
  logsRegion: optional("MAXCLOUD_LOGS_S3_REGION", text, { unset: "us-east-1", text: "Region of the bucket." }),
  logsEndpoint: optional("MAXCLOUD_LOGS_S3_ENDPOINT", httpUrl("https://s3.example.com"), {
    unset: "Amazon's",
    text: "URL of an S3 server other than Amazon's. The bucket is then in the path."
  }),
  logsLokiUrl: optional("MAXCLOUD_LOGS_LOKI_URL", baseUrl("http://loki.logging:3100"), {
    unset: "none",
    text: "Base URL of Grafana Loki (3.0 or later) for `MAXCLOUD_LOGS=loki`."
  }),
  logsLokiTenant: optional("MAXCLOUD_LOGS_LOKI_TENANT", tenant, {
    unset: "none",
    text: "Loki's tenant (header `X-Scope-OrgID`), if it has `auth_enabled: true`. `{organization}` in it stands for an organization's id, so each one has its own tenant."
  }),
  logsLokiUser: optional("MAXCLOUD_LOGS_LOKI_USER", text, {
    unset: "none",
    text: "User name, if a proxy in front of Loki requires it (HTTP Basic)."
  }),
  logsLokiPassword: optional("MAXCLOUD_LOGS_LOKI_PASSWORD", secret, {
    unset: "none",
    text: "Password of that user.",
    forgotten: true
  }),
  logsLokiToken: optional("MAXCLOUD_LOGS_LOKI_TOKEN", secret, {
    unset: "none",
    text: "A bearer token for Loki, instead of a user.",
    forgotten: true
  }),
  logsLokiTokenFile: optional("MAXCLOUD_LOGS_LOKI_TOKEN_FILE", text, {
    unset: "none",
    text: "A file with that token, read for each request."
  })
}
