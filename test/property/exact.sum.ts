import { isExactNumber } from '#libs/json';

/** The sum of two numbers as decimals; undefined if it is not within ±(2^53 − 1), or a double would round it. */
export function exactSum(a: number, b: number): number | undefined {
  const [one, other] = [decimalOf(a), decimalOf(b)];
  const exponent = Math.min(one.exponent, other.exponent);
  const sum = scaled(one, exponent) + scaled(other, exponent);
  const token = `${sum}e${exponent}`;
  return Math.abs(Number(token)) <= Number.MAX_SAFE_INTEGER && isExactNumber(token) === true
    ? Number(token)
    : undefined;
}

/** `digits` × 10^`exponent`. */
interface Decimal {
  digits: bigint;
  exponent: number;
}

function decimalOf(value: number): Decimal {
  const [, sign = '', integer = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? [];
  return { digits: BigInt(sign + integer + fraction), exponent: Number(exponent) - fraction.length };
}

function scaled({ digits, exponent }: Decimal, to: number): bigint {
  return digits * 10n ** BigInt(exponent - to);
}
