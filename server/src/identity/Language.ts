import { Context } from "effect"

/** What pages and mails are written in. */
export type Language = "de" | "en"

/** The language that whoever asks would rather read: that of the request; English in the server's own work. */
export class CurrentLanguage extends Context.Reference<CurrentLanguage>()("@maxcloud/server/CurrentLanguage", {
  defaultValue: (): Language => "en"
}) {}

/** The language that a browser would rather have (RFC 9110, 12.5.4): English, where it says nothing of German. */
export const languageOf = (accepted: string | undefined): Language => {
  const weights = new Map<Language, number>()
  for (const part of (accepted ?? "").slice(0, 1000).split(",")) {
    const [tag = "", ...parameters] = part.trim().toLowerCase().split(";")
    const language = tag.split("-", 1)[0]
    const written = /^\s*q=([\d.]+)\s*$/.exec(parameters.join(";"))?.[1]
    const weight = written === undefined ? 1 : Number(written)
    if ((language === "de" || language === "en") && weight > (weights.get(language) ?? 0)) weights.set(language, weight)
  }
  return (weights.get("de") ?? 0) > (weights.get("en") ?? 0) ? "de" : "en"
}
