// The camera: opened when somebody asks for it, closed as soon as nobody needs it.

export async function openCamera(video) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error('This browser gives no camera to this page (most need https for it). A file works as well.');
  }
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 } } });
  } catch {
    throw new Error('The camera was not allowed, or there is none. A file works as well.');
  }
  await video.play();
}

export function closeCamera(video) {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}
