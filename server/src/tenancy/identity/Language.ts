import { Context } from "effect"
import type { Language } from "../../base/pages/acceptLanguage.ts"

/** The language that whoever asks would rather read: that of the request; English in the server's own work. */
export class CurrentLanguage extends Context.Reference<CurrentLanguage>()("@maxcloud/server/CurrentLanguage", {
  defaultValue: (): Language => "en"
}) {}
