// Time: the video's where there is one that plays, else our own. Seconds from the first frame of the video.

class Clock {
  constructor(video, frames, duration) {
    this.video = video;
    this.frames = frames;
    this.duration = duration;
    this.time = frames[0];
    this.rate = 1;
    this.playing = false;
    this.stamp = 0;
  }

  // The video cannot be played: go on without it.
  dropVideo() {
    this.video = null;
  }

  play() {
    this.playing = true;
    this.stamp = performance.now();
    if (this.video) {
      this.video.playbackRate = this.rate;
      this.video.play().catch(() => this.dropVideo());
    }
  }

  pause() {
    this.playing = false;
    if (this.video) this.video.pause();
    this.seek(this.time);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  setRate(rate) {
    this.rate = rate;
    if (this.video) this.video.playbackRate = rate;
  }

  // To the frame that is shown at `time`: a still picture and its meshes belong together.
  seek(time) {
    const frame = this.frames[indexAt(this.frames, Math.min(Math.max(time, 0), this.duration) + 1e-4)];
    this.time = frame;
    this.stamp = performance.now();
    if (this.video) this.video.currentTime = frame + 1e-3;
  }

  step(count) {
    if (this.playing) this.pause();
    const index = indexAt(this.frames, this.time + 1e-4) + count;
    this.seek(this.frames[Math.min(Math.max(index, 0), this.frames.length - 1)]);
  }

  // Called before each picture of the page.
  tick() {
    if (!this.playing) return;
    const now = performance.now();
    if (this.video && this.video.readyState > 0) {
      this.time = Math.min(this.video.currentTime, this.duration);
    } else {
      this.time += ((now - this.stamp) / 1000) * this.rate;
      if (this.time >= this.duration) this.time = this.frames[0];
    }
    this.stamp = now;
  }
}
