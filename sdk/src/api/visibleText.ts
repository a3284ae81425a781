import { textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"

const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
const hiddenInLines = /[^\P{Cc}\n\t]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

/** One line that other people read, without characters that hide or reorder the text around it (Unicode: Cc, Cf, Zl, Zp), as in a `Name`. */
export const visibleText = (max: number, what: string) =>
  textUpTo(max, what).pipe(
    Schema.filter(
      (text) =>
        !hidden.test(text) ||
        `${what} has a line break or an invisible character, such as one that changes the direction of text. Remove it.`
    )
  )

/** The same with line breaks and tabs. */
export const visibleLines = (max: number, what: string) =>
  textUpTo(max, what).pipe(
    Schema.filter(
      (text) =>
        !hiddenInLines.test(text) ||
        `${what} has an invisible character, such as one that changes the direction of text. Remove it.`
    )
  )
