/** Why spans did not reach the collector. */
export const SPAN_LOSSES = ['queue_full', 'export_failed'] as const;
type SpanLoss = (typeof SPAN_LOSSES)[number];

/** Receives the number of spans that were lost. @param error of the export that failed */
export type LossListener = (reason: SpanLoss, spans: number, error?: Error) => void;
