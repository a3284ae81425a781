import { Context } from "effect"
import type { Language } from "../../base/pages/acceptLanguage.ts"

/** The caller's preferred language: that of the request; English in the server's own work. */
export class CurrentLanguage extends Context.Reference<CurrentLanguage>()("@maxcloud/server/CurrentLanguage", {
  defaultValue: (): Language => "en"
}) {}
