import { Option } from "effect"
import { quantityOf } from "../port/quantity.ts"

/** Bytes as they are written in a config, rounded up to whole mebibytes. */
export const memoryText = (bytes: number): string => {
  const mebibytes = Math.ceil(bytes / 2 ** 20)
  return mebibytes % 1024 === 0 ? `${mebibytes / 1024}Gi` : `${mebibytes}Mi`
}

/** Twice that much memory, as it is written in a config. */
export const doubled = (quantity: string | number): string =>
  Option.match(quantityOf(quantity), { onNone: () => "1Gi", onSome: (bytes) => memoryText(bytes * 2) })
