/** A rectangle of the drawing, in pixels. */
export interface Frame {
  x: number;
  y: number;
  width: number;
  height: number;
}
