/** Where something stands in a config file; both numbers count from 1. */
export interface Place {
  file: string;
  line: number;
  column: number;
}

/** The text of one Python file, with the places of its characters. */
export class SourceText {
  private readonly starts: number[] = [0];

  constructor(
    readonly file: string,
    readonly text: string,
  ) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.starts.push(at + 1);
  }

  /** The place of the character at an offset. */
  place(at: number): Place {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return { file: this.file, line: low + 1, column: at - this.starts[low]! + 1 };
  }
}
