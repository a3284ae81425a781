import { Option } from "effect"
import { quantityOf } from "../../quantity.ts"

/** Twice that much memory, as it is written in a config. */
export const doubled = (quantity: string | number): string =>
  Option.match(quantityOf(quantity), {
    onNone: () => "1Gi",
    onSome: (bytes) => {
      const mebibytes = Math.ceil((bytes * 2) / 2 ** 20)
      return mebibytes % 1024 === 0 ? `${mebibytes / 1024}Gi` : `${mebibytes}Mi`
    }
  })
