import { Option } from "effect"

const units: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40
}

/** Bytes of a Kubernetes quantity of memory, such as `512Mi` (API conventions, "Quantity"). */
export const bytesOf = (quantity: string | number): Option.Option<number> => {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(String(quantity)) ?? []
  const factor = unit === undefined ? undefined : units[unit]
  return number === undefined || factor === undefined ? Option.none() : Option.some(Number(number) * factor)
}

/** Twice that much, as it is written in a config. */
export const doubled = (quantity: string | number): string =>
  Option.match(bytesOf(quantity), {
    onNone: () => "1Gi",
    onSome: (bytes) => {
      const mebibytes = Math.ceil((bytes * 2) / 2 ** 20)
      return mebibytes % 1024 === 0 ? `${mebibytes / 1024}Gi` : `${mebibytes}Mi`
    }
  })
