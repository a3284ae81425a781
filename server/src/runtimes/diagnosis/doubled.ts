import { quantityOf } from "@maxcloud/synth"
import { Option } from "effect"
import { memoryText } from "../../base/words/bytesText.ts"

/** Doubles an amount of memory, as written in a config. */
export const doubled = (quantity: string | number): string =>
  Option.match(quantityOf(quantity), { onNone: () => "1Gi", onSome: (bytes) => memoryText(bytes * 2) })
