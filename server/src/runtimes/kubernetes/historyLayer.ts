import { join } from "node:path"
import { Effect, Layer } from "effect"
import type { ServerSettings } from "../../base/settings/ServerConfig.ts"
import { ServerError } from "../../base/words/ServerError.ts"
import * as LogHistory from "../../stores/logs/LogHistory.ts"
import { layerLoki } from "../../stores/logs/loki/lokiHistory.ts"
import { LogQuotas } from "../../tenancy/limits/LogQuotas.ts"

/** The store of log history, by the settings. */
export const historyLayer = ({
  dataDir,
  logs,
  logsBucket,
  logsDays,
  logsEndpoint,
  logsLokiPassword,
  logsLokiTenant,
  logsLokiToken,
  logsLokiTokenFile,
  logsLokiUrl,
  logsLokiUser,
  logsRegion
}: ServerSettings) => {
  const retention = { days: logsDays }
  const kept = (layer: (options: LogHistory.HistoryOptions) => Layer.Layer<LogHistory.LogHistory>) =>
    Layer.unwrapEffect(Effect.map(LogQuotas, (quotaOf) => layer({ retention, quotaOf })))
  if (logs === "folder")
    return kept((options) => LogHistory.layerFolder({ ...options, directory: join(dataDir, "cluster-logs") }))
  if (logs === "loki") {
    if (logsLokiUrl === undefined) {
      return Layer.fail(
        new ServerError({
          reason: "setting",
          message: "MAXCLOUD_LOGS is loki, but MAXCLOUD_LOGS_LOKI_URL isn't set. Set it to Loki's URL"
        })
      )
    }
    return layerLoki({
      days: logsDays,
      loki: {
        url: logsLokiUrl,
        tenant: logsLokiTenant,
        user: logsLokiUser,
        password: logsLokiPassword,
        token: logsLokiToken,
        tokenFile: logsLokiTokenFile
      }
    })
  }
  if (logsBucket === undefined) {
    return Layer.fail(
      new ServerError({
        reason: "setting",
        message: "MAXCLOUD_LOGS is s3, but MAXCLOUD_LOGS_S3_BUCKET isn't set. Set it to a bucket"
      })
    )
  }
  const s3 = { bucket: logsBucket, region: logsRegion, endpoint: logsEndpoint }
  return kept((options) => LogHistory.layerS3({ ...options, s3 }))
}
