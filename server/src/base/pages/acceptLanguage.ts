import Negotiator from "negotiator"

/** The languages of pages and mails. */
export type Language = "de" | "en"

const languages: Array<Language> = ["en", "de"]
/** Longer headers are cut: nobody prefers hundreds of languages. */
const longestHeader = 1_000

/** The caller's preferred language by `Accept-Language` (RFC 9110, 12.5.4). English, if it accepts neither of ours. */
export const languageOf = (accepted: string | undefined): Language => {
  const headers = { "accept-language": (accepted ?? "").slice(0, longestHeader) }
  const preferred = new Negotiator({ headers }).language(languages)
  return languages.find((language) => language === preferred) ?? "en"
}
