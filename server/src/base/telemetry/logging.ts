import { Cause, Inspectable, Layer, Logger, type LogLevel } from "effect"
import type { ServerSettings } from "../settings/ServerConfig.ts"

/** A line of the server's own log. */
export interface ServerLogLine {
  /** RFC 3339, UTC. */
  readonly at: string
  /** `INFO`, `WARN`, … */
  readonly level: string
  readonly message: string
  readonly cause: string | undefined
  /** For example the affected organization and service. */
  readonly annotations: Readonly<Record<string, unknown>>
}

const textOf = (message: unknown): string => {
  if (Array.isArray(message)) return message.map(textOf).join(" ")
  return message instanceof Error ? String(message) : Inspectable.toStringUnknown(message)
}

/** Passes the server's own log to a function. One that throws doesn't stop the server: the line is lost. */
export const layerTo = (onLog: (line: ServerLogLine) => void, logLevel: LogLevel.LogLevel) =>
  Layer.merge(
    Logger.replace(
      Logger.defaultLogger,
      Logger.make(({ annotations, cause, date, logLevel: { label }, message }) => {
        try {
          onLog({
            at: date.toISOString(),
            level: label,
            message: textOf(message),
            cause: Cause.isEmpty(cause) ? undefined : Cause.pretty(cause),
            annotations: Object.fromEntries(annotations)
          })
        } catch {
          // There's nowhere left to report it.
        }
      })
    ),
    Logger.minimumLogLevel(logLevel)
  )

/** Writes the server's own log to standard error, so that standard output is free for the caller. */
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
