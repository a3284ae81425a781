import { Option } from "effect"

const units: Readonly<Record<string, number>> = {
  "": 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40
}

/** A Kubernetes quantity (`500m`, `512Mi`) in its base unit: cores, or bytes (Kubernetes API conventions, "Quantity"). */
export const quantityOf = (written: string | number): Option.Option<number> => {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/.exec(String(written)) ?? []
  return number === undefined
    ? Option.none()
    : Option.fromNullable(units[unit]).pipe(Option.map((found) => Number(number) * found))
}
