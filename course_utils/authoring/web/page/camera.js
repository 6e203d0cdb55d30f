// The camera: opened when somebody asks for it, closed as soon as nobody needs it.

// Show the camera's pictures in `video`. `button` asked for it, and rests meanwhile: a second click would open two.
export async function openCamera(video, button) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error('This browser gives no camera to this page (most need https for it). A file works as well.');
  }
  button.disabled = true;
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 } } });
    closeCamera(video);
    video.srcObject = stream;
    await video.play();
  } catch {
    closeCamera(video);
    throw new Error('The camera was not allowed, or there is none. A file works as well.');
  } finally {
    button.disabled = false;
    button.focus(); // a button that rests has lost it
  }
}

export function closeCamera(video) {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}
