import { Layer, Logger } from "effect"
import type { ServerSettings } from "../settings/ServerConfig.ts"

/** Writes the server's own log to standard error, so that standard output is left to whoever started it. */
export const layer = ({ logFormat, logLevel }: Pick<ServerSettings, "logFormat" | "logLevel">) =>
  Layer.merge(
    Logger.replace(
      Logger.defaultLogger,
      logFormat === "json"
        ? Logger.map(Logger.jsonLogger, (line) => void process.stderr.write(`${line}\n`))
        : Logger.prettyLogger({
            stderr: true,
            colors: process.stderr.isTTY === true && process.env.NO_COLOR === undefined
          })
    ),
    Logger.minimumLogLevel(logLevel)
  )
